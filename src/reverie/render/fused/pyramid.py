"""All resolutions of a texture, forward and backward; see `reverie.render.mips` for what they are.

Sums run in the order of the torch operations there, so both give the same numbers to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.render.fused.kernel import allocating, inlined, kernel
from reverie.render.fused.lanes import LANES

ZERO = np.float32(0)
Level = tuple[Tensor, Tensor, Tensor]  # weight, border and source of a `reverie.render.mips.Level`


@dataclass(frozen=True, eq=False)
class Pyramid:
    """The levels of a `reverie.render.mips.MipPlan` as arrays.

    Attributes:
        used: ``[h, w]`` of each level, above 0 where it is used: the factor of the sum of the four texels below.
        borders: of each level, which texels are filled, and from where.
    """

    used: tuple[np.ndarray, ...]
    borders: tuple[tuple[np.ndarray, np.ndarray], ...]

    @staticmethod
    def of(covered: Tensor, levels: Sequence[Level]) -> Pyramid:
        """Return the arrays of a plan."""
        used = [(covered if n == 0 else weight)[0, 0].numpy() for n, (weight, _, _) in enumerate(levels)]
        return Pyramid(tuple(used), tuple((border.numpy(), source.numpy()) for _, border, source in levels))

    @property
    def count(self) -> int:
        """Number of texels of all levels."""
        return sum(used.size for used in self.used)

    def texels(self, texture: np.ndarray) -> np.ndarray:
        """Return all levels of ``[C, T, U]`` as ``[M, C]``."""
        channels = len(texture)
        texels = np.empty((self.count + 1, channels), np.float32)[:-1]  # kernels read a number beyond the last
        planes = self._planes(texels)
        interleave(texture.reshape(channels, -1), planes[0].reshape(-1, channels))
        for n in range(1, len(planes)):
            halve(planes[n - 1], self.used[n - 1], self.used[n], planes[n])
        for (border, source), plane in zip(self.borders, planes, strict=True):
            fill(border, source, plane.reshape(-1, channels))
        return texels

    def back(self, slope: np.ndarray, count: int) -> np.ndarray:
        """Return the gradient ``[C, T, U]`` of the texture, from that of the texels, which is overwritten.

        Args:
            slope: ``[M, C]`` or more.
            count: C.
        """
        planes, channels = self._planes(slope), slope.shape[1]
        for n in reversed(range(len(planes))):
            fill_back(*self.borders[n], planes[n].reshape(-1, channels))
            if n + 1 < len(planes):
                halve_back(planes[n + 1], self.used[n], self.used[n + 1], planes[n])
        to_texture = np.empty((count, *self.used[0].shape), np.float32)
        separate(planes[0].reshape(-1, channels), to_texture.reshape(count, -1))
        return to_texture

    def _planes(self, texels: np.ndarray) -> list[np.ndarray]:
        ends = np.cumsum([used.size for used in self.used])[:-1]
        parts = np.split(texels, ends)
        return [part.reshape(*used.shape, -1) for part, used in zip(parts, self.used, strict=True)]


def texels_of(texture: Tensor, covered: Tensor, levels: Sequence[Level]) -> Tensor:
    """Return all levels of ``[1, C, T, U]`` as ``[M, C]``, differentiable."""
    result: Tensor = _Texels.apply(texture, Pyramid.of(covered, levels))
    return result


class _Texels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, texture: Tensor, pyramid: Pyramid) -> Tensor:
        ctx.pyramid = pyramid
        return torch.from_numpy(pyramid.texels(texture.detach()[0].contiguous().numpy()))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        slope = slopes[0].clone(memory_format=torch.contiguous_format).numpy()
        return torch.from_numpy(ctx.pyramid.back(slope, slope.shape[1]))[None], None


@kernel
def interleave(plane: np.ndarray, texels: np.ndarray) -> None:
    """Fill `texels` ``[h w, C]`` from ``[C, h w]``."""
    for n in range(texels.shape[0]):
        for c in range(plane.shape[0]):
            texels[n, c] = plane[c, n]


@kernel
def separate(texels: np.ndarray, plane: np.ndarray) -> None:
    """Fill `plane` ``[C, h w]`` from ``[h w, C]``."""
    for c in range(plane.shape[0]):
        for n in range(texels.shape[0]):
            plane[c, n] = texels[n, c]


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
            if coarse.shape[2] == 3:  # a number that is known needs no loop
                for c in range(3):
                    coarse[y, x, c] = _mean(fine, y, x, c, i, j, k, m) * weight[y, x]
            else:
                for c in range(coarse.shape[2]):
                    coarse[y, x, c] = _mean(fine, y, x, c, i, j, k, m) * weight[y, x]


@inlined
def _mean(fine: np.ndarray, y: int, x: int, c: int, i: Any, j: Any, k: Any, m: Any) -> Any:
    upper = i * fine[2 * y, 2 * x, c] + j * fine[2 * y, 2 * x + 1, c]
    return (upper + k * fine[2 * y + 1, 2 * x, c] + m * fine[2 * y + 1, 2 * x + 1, c]) * np.float32(0.25)


@kernel
def halve_back(slope: np.ndarray, used: np.ndarray, weight: np.ndarray, to_fine: np.ndarray) -> None:
    """Add the gradient of the finer level."""
    for y in range(slope.shape[0]):
        for x in range(slope.shape[1]):
            i, j, k, m = _counts(used, y, x)
            if slope.shape[2] == 3 or slope.shape[2] == LANES:  # the last lane is unused
                for c in range(3):
                    _mean_back(slope[y, x, c] * weight[y, x], to_fine, y, x, c, i, j, k, m)
            else:
                for c in range(slope.shape[2]):
                    _mean_back(slope[y, x, c] * weight[y, x], to_fine, y, x, c, i, j, k, m)


@inlined
def _mean_back(slope: Any, to_fine: np.ndarray, y: int, x: int, c: int, i: Any, j: Any, k: Any, m: Any) -> None:
    part = slope * np.float32(0.25)
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


@allocating
def fill_back(border: np.ndarray, source: np.ndarray, slope: np.ndarray) -> None:
    """Turn the gradient after filling into that before."""
    if border.shape[0] == 0:
        return
    total = np.zeros(slope.shape, np.float32)
    for n in range(border.shape[0]):
        for c in range(slope.shape[1]):
            total[source[n], c] += slope[border[n], c]
            slope[border[n], c] = ZERO
    for n in range(source.shape[0]):
        for c in range(slope.shape[1]):
            slope[source[n], c] += total[source[n], c]
            total[source[n], c] = ZERO
