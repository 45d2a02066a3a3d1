"""Colors of a texture at texture coordinates: bilinear in each resolution, linear between two.

Texel ``(row, column)`` of a level ``h x w`` lies at ``u = (column + 0.5) / w``, ``v = 1 - (row + 0.5) / h``; beyond the
border the outermost texel goes on. The resolution of a pixel is no variable: it gets no gradient.
Source: Williams 1983, "Pyramidal parametrics".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.render.compiled import compiled, has_numba


def sample(texels: Tensor, sizes: Sequence[tuple[int, int]], uv: Tensor, level: Tensor) -> Tensor:
    """Return ``[N, C]`` colors, differentiable in `texels` and `uv`.

    Args:
        texels: ``[M, C]``, all levels one behind the other; see `reverie.render.mips`.
        sizes: ``(h, w)`` of the levels.
        uv: ``[N, 2]``.
        level: ``[N]`` from 0, the full resolution, to ``len(sizes) - 1``.
    """
    if texels.device.type == "cpu" and has_numba():
        result: Tensor = _Fused.apply(texels, torch.tensor(sizes), uv, level.to(texels.dtype))
        return result
    return sample_torch(texels, sizes, uv, level)


def level_of(footprint: Tensor, size: tuple[int, int], count: int) -> Tensor:
    """Return the level whose texels are as large as the pixels, from the footprints in texture coordinates."""
    texels_per_pixel = footprint * (size[0] * size[1]) ** 0.5
    return texels_per_pixel.clamp_min(1e-8).log2().clamp(0, count - 1)


def sample_torch(texels: Tensor, sizes: Sequence[tuple[int, int]], uv: Tensor, level: Tensor) -> Tensor:
    """The same from torch operations, on any device."""
    table = torch.tensor(sizes, device=uv.device)
    area = table.prod(1)
    first = area.cumsum(0) - area
    lower = level.floor().long().clamp(0, len(sizes) - 1)
    upper = (lower + 1).clamp_max(len(sizes) - 1)
    blend = (level - lower).to(texels)[:, None]
    one, two = (_bilinear(texels, table[index], first[index], uv) for index in (lower, upper))
    return one + blend * (two - one)


def _bilinear(texels: Tensor, size: Tensor, first: Tensor, uv: Tensor) -> Tensor:
    height, width = size[:, 0], size[:, 1]
    x = uv[:, 0] * width - 0.5
    y = (1 - uv[:, 1]) * height - 0.5
    left, top = x.detach().floor(), y.detach().floor()
    tx, ty = (x - left)[:, None].to(texels), (y - top)[:, None].to(texels)
    columns = [torch.minimum((left + d).long().clamp_min(0), width - 1) for d in (0, 1)]
    rows = [torch.minimum((top + d).long().clamp_min(0), height - 1) * width + first for d in (0, 1)]
    upper = texels[rows[0] + columns[0]] * (1 - tx) + texels[rows[0] + columns[1]] * tx
    lower = texels[rows[1] + columns[0]] * (1 - tx) + texels[rows[1] + columns[1]] * tx
    return upper * (1 - ty) + lower * ty


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, texels: Tensor, sizes: Tensor, uv: Tensor, level: Tensor) -> Tensor:
        ctx.save_for_backward(texels, sizes, uv, level)
        out = torch.empty(len(uv), texels.shape[1], dtype=texels.dtype)
        arrays = (texels.detach().contiguous().numpy(), sizes.numpy(), uv.detach().contiguous().numpy())
        compiled(_forward)(*arrays, level.detach().contiguous().numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, Tensor, None]:
        texels, sizes, uv, level = ctx.saved_tensors
        to_texels, to_uv = torch.zeros_like(texels), torch.zeros_like(uv)
        arrays = (texels.detach().contiguous().numpy(), sizes.numpy(), uv.detach().contiguous().numpy())
        slope = slopes[0].contiguous().numpy()
        compiled(_backward)(*arrays, level.detach().contiguous().numpy(), slope, to_texels.numpy(), to_uv.numpy())
        return to_texels, None, to_uv, None


def _forward(texels: np.ndarray, sizes: np.ndarray, uv: np.ndarray, level: np.ndarray, out: np.ndarray) -> None:
    count, channels = sizes.shape[0], texels.shape[1]
    first = np.zeros(count, np.int64)
    for s in range(1, count):
        first[s] = first[s - 1] + sizes[s - 1, 0] * sizes[s - 1, 1]
    for n in range(uv.shape[0]):
        lower = min(int(level[n]), count - 1)
        blend = level[n] - lower
        for c in range(channels):
            out[n, c] = 0
        for step in range(2):
            part = blend if step else 1 - blend
            if part <= 0 or lower + step >= count:
                continue
            height, width, start = sizes[lower + step, 0], sizes[lower + step, 1], first[lower + step]
            x, y = uv[n, 0] * width - 0.5, (1 - uv[n, 1]) * height - 0.5
            left, top = int(np.floor(x)), int(np.floor(y))
            tx, ty = x - left, y - top
            x0, x1 = min(max(left, 0), width - 1), min(max(left + 1, 0), width - 1)
            y0, y1 = start + min(max(top, 0), height - 1) * width, start + min(max(top + 1, 0), height - 1) * width
            for c in range(channels):
                upper = texels[y0 + x0, c] * (1 - tx) + texels[y0 + x1, c] * tx
                under = texels[y1 + x0, c] * (1 - tx) + texels[y1 + x1, c] * tx
                out[n, c] += part * (upper * (1 - ty) + under * ty)


def _backward(
    texels: np.ndarray, sizes: np.ndarray, uv: np.ndarray, level: np.ndarray, slope: np.ndarray,
    to_texels: np.ndarray, to_uv: np.ndarray,
) -> None:  # fmt: skip
    count, channels = sizes.shape[0], texels.shape[1]
    first = np.zeros(count, np.int64)
    for s in range(1, count):
        first[s] = first[s - 1] + sizes[s - 1, 0] * sizes[s - 1, 1]
    for n in range(uv.shape[0]):
        lower = min(int(level[n]), count - 1)
        blend = level[n] - lower
        for step in range(2):
            part = blend if step else 1 - blend
            if part <= 0 or lower + step >= count:
                continue
            height, width, start = sizes[lower + step, 0], sizes[lower + step, 1], first[lower + step]
            x, y = uv[n, 0] * width - 0.5, (1 - uv[n, 1]) * height - 0.5
            left, top = int(np.floor(x)), int(np.floor(y))
            tx, ty = x - left, y - top
            x0, x1 = min(max(left, 0), width - 1), min(max(left + 1, 0), width - 1)
            y0, y1 = start + min(max(top, 0), height - 1) * width, start + min(max(top + 1, 0), height - 1) * width
            for c in range(channels):
                s = part * slope[n, c]
                to_texels[y0 + x0, c] += s * (1 - tx) * (1 - ty)
                to_texels[y0 + x1, c] += s * tx * (1 - ty)
                to_texels[y1 + x0, c] += s * (1 - tx) * ty
                to_texels[y1 + x1, c] += s * tx * ty
                across = (texels[y0 + x1, c] - texels[y0 + x0, c]) * (1 - ty)
                across += (texels[y1 + x1, c] - texels[y1 + x0, c]) * ty
                down = (texels[y1 + x0, c] - texels[y0 + x0, c]) * (1 - tx)
                down += (texels[y1 + x1, c] - texels[y0 + x1, c]) * tx
                to_uv[n, 0] += s * across * width
                to_uv[n, 1] -= s * down * height
