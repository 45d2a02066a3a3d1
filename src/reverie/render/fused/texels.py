"""One color of a texture at all its resolutions, and its gradients; see `reverie.render.sample`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from reverie.render.fused.kernel import inlined


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


@inlined
def color_of(texels: np.ndarray, sizes: np.ndarray, level: int, u: float, v: float) -> tuple[float, float, float]:
    """Return the color at a place of one level."""
    a, b, c, d, tx, ty = corners_of(sizes, level, u, v)
    wa, wb, wc, wd = (1 - tx) * (1 - ty), tx * (1 - ty), (1 - tx) * ty, tx * ty
    return (
        wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0] + wd * texels[d, 0],
        wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1] + wd * texels[d, 1],
        wa * texels[a, 2] + wb * texels[b, 2] + wc * texels[c, 2] + wd * texels[d, 2],
    )


@inlined
def mixed_color(texels: np.ndarray, sizes: np.ndarray, u: float, v: float, level: float) -> tuple[float, float, float]:
    """Return the color between two levels ``[L, 3]``."""
    lower = min(int(level), sizes.shape[0] - 1)
    part = level - lower
    r, g, b = color_of(texels, sizes, lower, u, v)
    if part <= 0 or lower + 1 >= sizes.shape[0]:
        return r, g, b
    r1, g1, b1 = color_of(texels, sizes, lower + 1, u, v)
    return r + part * (r1 - r), g + part * (g1 - g), b + part * (b1 - b)


@inlined
def color_back(
    texels: np.ndarray, sizes: np.ndarray, level: int, u: float, v: float, r: float, g: float, b: float,
    to_texels: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """Add the gradient ``r, g, b`` of a color to the texels of one level, and return that of the place."""
    i, j, k, m, tx, ty = corners_of(sizes, level, u, v)
    one = _texel_back(texels, i, (1 - tx) * (1 - ty), r, g, b, to_texels)
    two = _texel_back(texels, j, tx * (1 - ty), r, g, b, to_texels)
    three = _texel_back(texels, k, (1 - tx) * ty, r, g, b, to_texels)
    four = _texel_back(texels, m, tx * ty, r, g, b, to_texels)
    across, down = (two - one) * (1 - ty) + (four - three) * ty, (three - one) * (1 - tx) + (four - two) * tx
    return across * sizes[level, 1], -down * sizes[level, 0]


@inlined
def _texel_back(
    texels: np.ndarray, i: int, weight: float, r: float, g: float, b: float, to_texels: np.ndarray
) -> float:
    """Add the gradient of one texel, and return that of its weight."""
    to_texels[i, 0] += np.float32(weight * r)
    to_texels[i, 1] += np.float32(weight * g)
    to_texels[i, 2] += np.float32(weight * b)
    return r * texels[i, 0] + g * texels[i, 1] + b * texels[i, 2]


@inlined
def mixed_back(
    texels: np.ndarray, sizes: np.ndarray, u: float, v: float, level: float, slope: tuple[float, float, float],
    to_texels: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """Add the gradient of a color to the texels of both levels, and return that of the place."""
    lower = min(int(level), sizes.shape[0] - 1)
    part = level - lower
    r, g, b = slope
    if part <= 0 or lower + 1 >= sizes.shape[0]:
        return color_back(texels, sizes, lower, u, v, r, g, b, to_texels)
    one = 1.0 - part
    u0, v0 = color_back(texels, sizes, lower, u, v, one * r, one * g, one * b, to_texels)
    u1, v1 = color_back(texels, sizes, lower + 1, u, v, part * r, part * g, part * b, to_texels)
    return u0 + u1, v0 + v1
