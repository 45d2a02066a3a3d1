"""One color of a texture at all its resolutions, and its gradients; see `reverie.render.sample`.

Texels are rows of four float32, the last of them 0: a processor reads and adds all four at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from reverie.render.fused.kernel import contracted, inlined

ONE, ZERO = np.float32(1), np.float32(0)


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
def color_of(texels: np.ndarray, sizes: np.ndarray, level: int, u: float, v: float) -> tuple[Any, Any, Any]:
    """Return the color at a place of one level."""
    a, b, c, d, x, y = corners_of(sizes, level, u, v)
    tx, ty = np.float32(x), np.float32(y)
    wa, wb, wc, wd = (ONE - tx) * (ONE - ty), tx * (ONE - ty), (ONE - tx) * ty, tx * ty
    return (
        wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0] + wd * texels[d, 0],
        wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1] + wd * texels[d, 1],
        wa * texels[a, 2] + wb * texels[b, 2] + wc * texels[c, 2] + wd * texels[d, 2],
    )


@contracted
def mixed_color(texels: np.ndarray, sizes: np.ndarray, u: float, v: float, level: float) -> tuple[Any, Any, Any]:
    """Return the color between two levels, float32."""
    lower = min(int(level), sizes.shape[0] - 1)
    part = np.float32(level - lower)
    r, g, b = color_of(texels, sizes, lower, u, v)
    if part <= ZERO or lower + 1 >= sizes.shape[0]:
        return r, g, b
    r1, g1, b1 = color_of(texels, sizes, lower + 1, u, v)
    return r + part * (r1 - r), g + part * (g1 - g), b + part * (b1 - b)


@contracted
def color_back(
    texels: np.ndarray, sizes: np.ndarray, level: int, u: float, v: float, r: Any, g: Any, b: Any,
    to_texels: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """Add the gradient ``r, g, b`` of a color to the texels of one level, and return that of the place."""
    i, j, k, m, x, y = corners_of(sizes, level, u, v)
    tx, ty = np.float32(x), np.float32(y)
    one = _texel_back(texels, i, (ONE - tx) * (ONE - ty), r, g, b, to_texels)
    two = _texel_back(texels, j, tx * (ONE - ty), r, g, b, to_texels)
    three = _texel_back(texels, k, (ONE - tx) * ty, r, g, b, to_texels)
    four = _texel_back(texels, m, tx * ty, r, g, b, to_texels)
    across = (two - one) * (ONE - ty) + (four - three) * ty
    down = (three - one) * (ONE - tx) + (four - two) * tx
    return across * float(sizes[level, 1]), -down * float(sizes[level, 0])


@contracted
def _texel_back(texels: np.ndarray, i: int, weight: Any, r: Any, g: Any, b: Any, to_texels: np.ndarray) -> Any:
    """Add the gradient of one texel, and return that of its weight."""
    to_texels[i, 0] += weight * r
    to_texels[i, 1] += weight * g
    to_texels[i, 2] += weight * b
    to_texels[i, 3] += weight * ZERO
    return r * texels[i, 0] + g * texels[i, 1] + b * texels[i, 2]


@contracted
def mixed_back(
    texels: np.ndarray, sizes: np.ndarray, u: float, v: float, level: float, r: Any, g: Any, b: Any,
    to_texels: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """Add the gradient of a color to the texels of both levels, and return that of the place."""
    lower = min(int(level), sizes.shape[0] - 1)
    part = np.float32(level - lower)
    if part <= ZERO or lower + 1 >= sizes.shape[0]:
        return color_back(texels, sizes, lower, u, v, r, g, b, to_texels)
    rest = ONE - part
    u0, v0 = color_back(texels, sizes, lower, u, v, rest * r, rest * g, rest * b, to_texels)
    u1, v1 = color_back(texels, sizes, lower + 1, u, v, part * r, part * g, part * b, to_texels)
    return u0 + u1, v0 + v1


@contracted
def level_of(wide: float, sizes: np.ndarray) -> float:
    """Return the resolution whose texels are as large as the pixel; see `reverie.render.sample.level_of`."""
    texels = wide * sizes[0, 0] * sizes[0, 1]
    return 0.0 if texels <= 1.0 else min(0.5 * _log2(texels), sizes.shape[0] - 1.0)


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
