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

from reverie.numerics.machine_code import has_numba


def sample(texels: Tensor, sizes: Sequence[tuple[int, int]], uv: Tensor, level: Tensor) -> Tensor:
    """Return ``[N, C]`` colors, differentiable in `texels` and `uv`.

    Args:
        texels: ``[M, C]``, all levels one behind the other; see `reverie.render.mips`.
        sizes: ``(h, w)`` of the levels.
        uv: ``[N, 2]``.
        level: ``[N]`` from 0, the full resolution, to ``len(sizes) - 1``.
    """
    if texels.device.type == "cpu" and has_numba():
        result: Tensor = _Fused.apply(texels, sizes, uv, level.to(texels.dtype))
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
    def forward(ctx: Any, texels: Tensor, sizes: Sequence[tuple[int, int]], uv: Tensor, level: Tensor) -> Tensor:
        from reverie.render.fused import samples as kernels  # needs numba

        ctx.save_for_backward(texels, uv, level)
        ctx.sizes = kernels.table_of(sizes)
        out = torch.empty(len(uv), texels.shape[1], dtype=texels.dtype)
        kernels.sample(*_arrays(texels, ctx.sizes, uv, level), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, Tensor, None]:
        from reverie.render.fused import samples as kernels  # needs numba

        texels, uv, level = ctx.saved_tensors
        to_texels, to_uv = torch.zeros_like(texels), torch.zeros_like(uv)
        arrays, slope = _arrays(texels, ctx.sizes, uv, level), slopes[0].contiguous().numpy()
        kernels.sample_back(*arrays, slope, to_texels.numpy(), to_uv.numpy())
        return to_texels, None, to_uv, None


def _arrays(
    texels: Tensor, sizes: np.ndarray, uv: Tensor, level: Tensor
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what the kernels need."""
    t, u, n = (one.detach().contiguous().numpy() for one in (texels, uv, level))
    return t, sizes, u, n
