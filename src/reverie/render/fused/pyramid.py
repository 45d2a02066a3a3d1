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
from reverie.render.mips import Level


def texels_of(texture: Tensor, covered: Tensor, levels: Sequence[Level]) -> Tensor:
    """Return all levels of ``[1, C, T, U]`` as ``[M, C]``, differentiable."""
    result: Tensor = _Texels.apply(texture, covered, levels)
    return result


class _Texels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, texture: Tensor, covered: Tensor, levels: Sequence[Level]) -> Tensor:
        ctx.covered, ctx.levels, ctx.shape = covered, levels, texture.shape
        count = texture.shape[1]
        texels = torch.empty(sum(h * w for h, w in (level.size for level in levels)), count)
        parts = texels.split([level.size[0] * level.size[1] for level in levels])
        interleave(texture.detach()[0].flatten(1).contiguous().numpy(), parts[0].numpy())
        below = covered[0, 0].numpy()
        for n, level in enumerate(levels[1:]):
            weight = level.weight[0, 0].numpy()
            fine, coarse = (parts[m].view(*levels[m].size, count).numpy() for m in (n, n + 1))
            halve(fine, below, weight, coarse)
            below = weight
        for level, part in zip(levels, parts, strict=True):
            fill(level.border.numpy(), level.source.numpy(), part.numpy())
        return texels

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        levels, slope = ctx.levels, slopes[0].contiguous()
        ends = np.cumsum([level.size[0] * level.size[1] for level in levels])
        above = np.zeros((1, 1, slope.shape[1]), np.float32)
        for n in reversed(range(len(levels))):
            level = levels[n]
            own = slope[int(ends[n]) - level.size[0] * level.size[1] : int(ends[n])].clone()
            fill_back(level.border.numpy(), level.source.numpy(), own.numpy())
            plane = own.view(*level.size, -1).numpy()
            if n + 1 < len(levels):
                below = (ctx.covered if n == 0 else level.weight)[0, 0].numpy()
                halve_back(above, below, levels[n + 1].weight[0, 0].numpy(), plane)
            above = plane
        return torch.from_numpy(above).permute(2, 0, 1).contiguous()[None], None, None


@kernel
def interleave(plane: np.ndarray, texels: np.ndarray) -> None:
    """Fill `texels` ``[h w, C]`` from ``[C, h w]``."""
    for n in range(texels.shape[0]):
        for c in range(texels.shape[1]):
            texels[n, c] = plane[c, n]


@inlined
def _counts(used: np.ndarray, y: int, x: int) -> tuple[float, float, float, float]:
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
