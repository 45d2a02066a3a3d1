"""One color of a texture at all its resolutions, and its gradients; see `reverie.render.sample`."""

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
def _channel(texels: np.ndarray, near: Any, c: int) -> tuple[Any, Any, Any]:
    """Return one channel between four texels, and how it changes to the right and down, by texel."""
    i, j, k, m, x, y = near
    down_left, down_right = texels[k, c] - texels[i, c], texels[m, c] - texels[j, c]
    left, right = texels[i, c] + y * down_left, texels[j, c] + y * down_right
    return left + x * (right - left), right - left, down_left + x * (down_right - down_left)


@contracted
def _near(sizes: np.ndarray, level: int, u: float, v: float) -> Any:
    """Return the same as `corners_of`, the way from the upper left texel as float32."""
    i, j, k, m, x, y = corners_of(sizes, level, u, v)
    return i, j, k, m, np.float32(x), np.float32(y)


@contracted
def mixed_color(texels: np.ndarray, sizes: np.ndarray, u: float, v: float, level: float) -> tuple[Any, Any, Any]:
    """Return the color between two levels, float32."""
    lower = min(int(level), sizes.shape[0] - 1)
    part, near = np.float32(level - lower), _near(sizes, lower, u, v)
    r, g, b = _channel(texels, near, 0)[0], _channel(texels, near, 1)[0], _channel(texels, near, 2)[0]
    if part <= ZERO or lower + 1 >= sizes.shape[0]:
        return r, g, b
    near = _near(sizes, lower + 1, u, v)
    r1, g1, b1 = _channel(texels, near, 0)[0], _channel(texels, near, 1)[0], _channel(texels, near, 2)[0]
    return r + part * (r1 - r), g + part * (g1 - g), b + part * (b1 - b)


@contracted
def mixed_slopes(texels: np.ndarray, sizes: np.ndarray, u: float, v: float, level: float) -> tuple[Any, ...]:
    """Return what is around a place in two levels, the upper one's part, the color, and its change with u and v."""
    lower = min(int(level), sizes.shape[0] - 1)
    part = np.float32(level - lower)
    near, color, by_u, by_v = _slopes(texels, sizes, lower, u, v)
    above = near
    if part > 0:
        above, other, other_u, other_v = _slopes(texels, sizes, min(lower + 1, sizes.shape[0] - 1), u, v)
        color, by_u, by_v = _mixed(color, other, part), _mixed(by_u, other_u, part), _mixed(by_v, other_v, part)
    return near, above, part, color, by_u, by_v


@contracted
def _slopes(texels: np.ndarray, sizes: np.ndarray, level: int, u: float, v: float) -> tuple[Any, ...]:
    """Return the texels around a place of one level, its color, and how that changes with u and v, three of each."""
    near, wide, high = _near(sizes, level, u, v), np.float32(sizes[level, 1]), np.float32(-sizes[level, 0])
    r, ru, rv = _channel(texels, near, 0)
    g, gu, gv = _channel(texels, near, 1)
    b, bu, bv = _channel(texels, near, 2)
    return near, (r, g, b), (ru * wide, gu * wide, bu * wide), (rv * high, gv * high, bv * high)


@contracted
def _mixed(one: tuple[Any, Any, Any], two: tuple[Any, Any, Any], part: Any) -> tuple[Any, Any, Any]:
    """Return ``one + part (two - one)``."""
    return one[0] + part * (two[0] - one[0]), one[1] + part * (two[1] - one[1]), one[2] + part * (two[2] - one[2])


@contracted
def dot(one: tuple[Any, Any, Any], two: tuple[Any, Any, Any]) -> Any:
    """Return the sum of products."""
    return one[0] * two[0] + one[1] * two[1] + one[2] * two[2]


@contracted
def scatter(to_texels: np.ndarray, near: Any, r: Any, g: Any, b: Any) -> None:
    """Add the gradient ``r, g, b`` of a color to the texels around its place."""
    i, j, k, m, x, y = near
    _add(to_texels, i, (ONE - x) * (ONE - y), r, g, b)
    _add(to_texels, j, x * (ONE - y), r, g, b)
    _add(to_texels, k, (ONE - x) * y, r, g, b)
    _add(to_texels, m, x * y, r, g, b)


@contracted
def _add(to_texels: np.ndarray, i: int, weight: Any, r: Any, g: Any, b: Any) -> None:
    to_texels[i, 0] += weight * r
    to_texels[i, 1] += weight * g
    to_texels[i, 2] += weight * b


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
