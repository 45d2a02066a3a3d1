"""All resolutions of a texture, forward and backward; see `reverie.render.mips` for what they are.

Sums run in the order of the torch operations there, so both give the same numbers to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.render.fused.kernel import inlined, kernel

Level = tuple[Tensor, Tensor, Tensor]  # weight, border and source of a `reverie.render.mips.Level`


def texels_of(texture: Tensor, covered: Tensor, levels: Sequence[Level]) -> Tensor:
    """Return all levels of ``[1, C, T, U]`` as ``[M, C]``, differentiable."""
    result: Tensor = _Texels.apply(texture, covered, levels)
    return result


class _Texels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, texture: Tensor, covered: Tensor, levels: Sequence[Level]) -> Tensor:
        ctx.used = [(covered if n == 0 else weight)[0, 0].numpy() for n, (weight, _, _) in enumerate(levels)]
        ctx.levels, count = levels, texture.shape[1]
        texels = torch.empty(sum(used.size for used in ctx.used), count)
        parts = texels.split([used.size for used in ctx.used])
        interleave(texture.detach()[0].flatten(1).contiguous().numpy(), parts[0].numpy())
        planes = [part.view(*used.shape, count).numpy() for part, used in zip(parts, ctx.used, strict=True)]
        for n in range(1, len(levels)):
            halve(planes[n - 1], ctx.used[n - 1], ctx.used[n], planes[n])
        for (_, border, source), part in zip(levels, parts, strict=True):
            fill(border.numpy(), source.numpy(), part.numpy())
        return texels

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        count = slopes[0].shape[1]
        parts = slopes[0].clone(memory_format=torch.contiguous_format).split([used.size for used in ctx.used])
        planes = [part.view(*used.shape, count).numpy() for part, used in zip(parts, ctx.used, strict=True)]
        for n in reversed(range(len(planes))):
            _, border, source = ctx.levels[n]
            fill_back(border.numpy(), source.numpy(), parts[n].numpy())
            if n + 1 < len(planes):
                halve_back(planes[n + 1], ctx.used[n], ctx.used[n + 1], planes[n])
        return torch.from_numpy(planes[0]).permute(2, 0, 1).contiguous()[None], None, None


@kernel
def interleave(plane: np.ndarray, texels: np.ndarray) -> None:
    """Fill `texels` ``[h w, C]`` from ``[C, h w]``."""
    for n in range(texels.shape[0]):
        for c in range(texels.shape[1]):
            texels[n, c] = plane[c, n]


@inlined
def _counts(used: np.ndarray, y: int, x: int) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Return 1 for each of the four texels below that is used, and 0 for the others."""
    return (
        np.float32(used[2 * y, 2 * x] > 0), np.float32(used[2 * y, 2 * x + 1] > 0),
        np.float32(used[2 * y + 1, 2 * x] > 0), np.float32(used[2 * y + 1, 2 * x + 1] > 0),
    )  # fmt: skip


@kernel
def halve(fine: np.ndarray, used: np.ndarray, weight: np.ndarray, coarse: np.ndarray) -> None:
    """Fill `coarse` ``[h, w, C]`` with means of those of four texels that are used, where `used` is above 0."""
    for y in range(coarse.shape[0]):
        for x in range(coarse.shape[1]):
            i, j, k, m = _counts(used, y, x)
            for c in range(coarse.shape[2]):
                upper = i * fine[2 * y, 2 * x, c] + j * fine[2 * y, 2 * x + 1, c]
                total = upper + k * fine[2 * y + 1, 2 * x, c] + m * fine[2 * y + 1, 2 * x + 1, c]
                coarse[y, x, c] = total * np.float32(0.25) * weight[y, x]


@kernel
def halve_back(slope: np.ndarray, used: np.ndarray, weight: np.ndarray, to_fine: np.ndarray) -> None:
    """Add the gradient of the finer level."""
    for y in range(slope.shape[0]):
        for x in range(slope.shape[1]):
            i, j, k, m = _counts(used, y, x)
            for c in range(slope.shape[2]):
                part = slope[y, x, c] * weight[y, x] * np.float32(0.25)
                to_fine[2 * y, 2 * x, c] += i * part
                to_fine[2 * y, 2 * x + 1, c] += j * part
                to_fine[2 * y + 1, 2 * x, c] += k * part
                to_fine[2 * y + 1, 2 * x + 1, c] += m * part


@kernel
def fill(border: np.ndarray, source: np.ndarray, texels: np.ndarray) -> None:
    """Give texels around the islands the color of the nearest used one."""
    for n in range(border.shape[0]):
        for c in range(texels.shape[1]):
            texels[border[n], c] = texels[source[n], c]


@kernel
def fill_back(border: np.ndarray, source: np.ndarray, slope: np.ndarray) -> None:
    """Turn the gradient after filling into that before."""
    total = np.zeros(slope.shape, np.float32)
    for n in range(border.shape[0]):
        for c in range(slope.shape[1]):
            total[source[n], c] += slope[border[n], c]
            slope[border[n], c] = np.float32(0)
    for n in range(source.shape[0]):
        for c in range(slope.shape[1]):
            slope[source[n], c] += total[source[n], c]
            total[source[n], c] = np.float32(0)
