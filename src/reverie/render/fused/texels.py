"""One color of a texture at all its resolutions, and its gradients; see `reverie.render.sample`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from reverie.render.fused.kernel import contracted, inlined
from reverie.render.fused.lanes import LANES, loaded, spread, stored

ONE = np.float32(1)
CHANNELS = 3


@inlined
def corners_of(sizes: np.ndarray, level: int, u: float, v: float) -> tuple[Any, Any, Any, Any, float, float]:
    """Return the four texels around a place of one level, and the way from the upper left one.

    Their numbers have no sign, or every use would ask whether one counts from the end.
    """
    height, width, first = sizes[level, 0], sizes[level, 1], sizes[level, 2]
    x, y = u * width - 0.5, (1.0 - v) * height - 0.5
    left, top = math.floor(x), math.floor(y)
    x0, x1 = min(max(left, 0), width - 1), min(max(left + 1, 0), width - 1)
    y0, y1 = first + min(max(top, 0), height - 1) * width, first + min(max(top + 1, 0), height - 1) * width
    return np.uint64(y0 + x0), np.uint64(y0 + x1), np.uint64(y1 + x0), np.uint64(y1 + x1), x - left, y - top


@contracted
def color_of(texels: np.ndarray, corners: tuple[Any, Any, Any, Any], x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Return the color between four texels, and how it changes to the right and down, by texel.

    `texels` is ``[M, 3]``, with one more number to read behind the last; `x` and `y` are the way from the first corner.
    """
    i, j = loaded(texels, CHANNELS * corners[0]), loaded(texels, CHANNELS * corners[1])
    k, m = loaded(texels, CHANNELS * corners[2]), loaded(texels, CHANNELS * corners[3])
    right, down = spread(x), spread(y)
    down_left, down_right = k - i, m - j
    left, across = i + down * down_left, (j + down * down_right) - (i + down * down_left)
    return left + right * across, across, down_left + right * (down_right - down_left)


@contracted
def slopes_of(
    texels: np.ndarray, corners: tuple[Any, Any, Any, Any], x: Any, y: Any, width: int, height: int
) -> tuple[Any, Any, Any]:
    """Return the color between four texels, and how it changes with u and v."""
    color, right, down = color_of(texels, corners, x, y)
    return color, right * spread(np.float32(width)), down * spread(np.float32(-height))


@contracted
def between(one: Any, two: Any, part: Any) -> Any:
    """Return ``one + part (two - one)``."""
    return one + spread(part) * (two - one)


@contracted
def scatter(to_texels: np.ndarray, corners: tuple[Any, Any, Any, Any], x: Any, y: Any, color: Any) -> None:
    """Add the gradient of a color to the texels around its place: `to_texels` is ``[M, 4]``, the last unused."""
    i, j, k, m = corners
    _add(to_texels, i, (ONE - x) * (ONE - y), color)
    _add(to_texels, j, x * (ONE - y), color)
    _add(to_texels, k, (ONE - x) * y, color)
    _add(to_texels, m, x * y, color)


@contracted
def _add(to_texels: np.ndarray, i: int, weight: Any, color: Any) -> None:
    stored(to_texels, LANES * i, loaded(to_texels, LANES * i) + spread(weight) * color)


@contracted
def level_of(wide: float, height: float, width: float, count: int) -> float:
    """Return which of `count` resolutions has texels as large as the pixel; see `reverie.render.sample.level_of`."""
    texels = wide * height * width
    return 0.0 if texels <= 1.0 else min(0.5 * _log2(texels), count - 1.0)


@contracted
def _log2(value: float) -> float:
    """Return the logarithm of a number above 0 to 1e-7: exponent, and ``2 / ln 2 artanh((m - 1) / (m + 1))``."""
    bits: Any = np.float32(value).view(np.int32)
    shifted = bits - 0x3F3504F3  # from sqrt(1 / 2) to sqrt(2) is one octave, with exponent 0
    mantissa: Any = np.int32(bits - (shifted & ~0x7FFFFF)).view(np.float32)
    z = (mantissa - 1.0) / (mantissa + 1.0)
    square = z * z
    return (shifted >> 23) + z * (2.8853900817779268 + square * (
        0.9617966939259756 + square * (0.5770780163555854 + square * 0.4121986)
    ))  # fmt: skip
