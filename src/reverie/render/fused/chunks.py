"""What all pixels of a mesh need before their texels are read: places, resolutions and light, many pixels at once.

A chunk is a run of pixels in the order of their triangles. Its numbers stand in rows of ``CHUNK``, so that one
instruction serves several pixels; of flat arrays, so that a compiler sees that rows do not overlap.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reverie.render.fused.geometry import at
from reverie.render.fused.kernel import contracted, inlined, kernel
from reverie.render.fused.lights import brightness
from reverie.render.fused.texels import level_of

CHUNK, ROW = 192, 200  # pixels, and the length of a row: of a power of two, all rows would lie in the same cache lines
# Rows of the numbers: first those of `spread_out`, then those of `work_out` in their places.
WHOLE, ACROSS, UP, NX, NY, NZ, ACROSS_U, ACROSS_V, UP_U, UP_V, WHOLE_U, WHOLE_V, SIDE = (n * ROW for n in range(13))
TOTAL, S, T, X, Y, Z, BRIGHT, BRIGHT_X, BRIGHT_Y, BRIGHT_Z = (n * ROW for n in range(10))
NUMBERS, WAYS, TEXELS = 13 * ROW, 5 * ROW, 10 * ROW  # lengths of the arrays, of all rows
PART = 4 * ROW  # after the ways in x and y of two levels
LEVELS = 8 * ROW  # after the four texels of two levels
TO_BRIGHT, TO_S, TO_T = 0, ROW, 2 * ROW  # of the ways, once texels have had their gradients
TO_NX, TO_NY, TO_NZ, TO_ACROSS, TO_UP, TO_WHOLE = BRIGHT_X, BRIGHT_Y, BRIGHT_Z, S, T, TOTAL  # rows of `turn_back`

Line = tuple[float, float, float]
Sums = tuple[Line, Line, Line, Line, Line, Line]
ZERO = (0.0, 0.0, 0.0)
NONE = (ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)
Buffers = tuple[np.ndarray, np.ndarray, np.ndarray]


def buffers() -> Buffers:
    """Return the arrays of a chunk: numbers float64, ways between texels float32, texels int32."""
    return np.empty(NUMBERS), np.empty(WAYS, np.float32), np.empty(TEXELS, np.int32)


@inlined
def spread_out(
    factors: tuple[Line, Line, Line, Line, Line, Line], side: float, places: np.ndarray, begin: int, count: int,
    own: int, numbers: np.ndarray,
) -> None:  # fmt: skip
    """Fill the rows of `count` pixels of one triangle, from `own` on, whose places begin at `begin`."""
    whole, across, up, nx, ny, nz = factors
    for m in range(count):
        u, v = _center(places[begin + m])
        n = own + m
        numbers[WHOLE + n], numbers[ACROSS + n], numbers[UP + n] = at(whole, u, v), at(across, u, v), at(up, u, v)
        numbers[NX + n], numbers[NY + n], numbers[NZ + n] = at(nx, u, v), at(ny, u, v), at(nz, u, v)
        numbers[ACROSS_U + n], numbers[ACROSS_V + n] = across[0], across[1]
        numbers[UP_U + n], numbers[UP_V + n] = up[0], up[1]
        numbers[WHOLE_U + n], numbers[WHOLE_V + n] = whole[0], whole[1]
        numbers[SIDE + n] = side


@kernel
def work_out(
    light: np.ndarray, lit: bool, sky: bool, height: float, width: float, levels: int, count: int,
    numbers: np.ndarray, ways: np.ndarray, texels: np.ndarray,
) -> None:  # fmt: skip
    """Fill the other rows of a chunk of `count` pixels; `height` and `width` are those of the full texture."""
    for n in range(count):
        whole_u, whole_v = numbers[WHOLE_U + n], numbers[WHOLE_V + n]
        total = 1.0 / numbers[WHOLE + n]
        s, t = numbers[ACROSS + n] * total, numbers[UP + n] * total
        sx, sy = (numbers[ACROSS_U + n] - s * whole_u) * total, (numbers[ACROSS_V + n] - s * whole_v) * total
        tx, ty = (numbers[UP_U + n] - t * whole_u) * total, (numbers[UP_V + n] - t * whole_v) * total
        wide = (sx * sx + sy * sy + tx * tx + ty * ty) / 2
        numbers[TOTAL + n], numbers[S + n], numbers[T + n] = total, s, t
        level = level_of(wide, height, width, levels)
        lower = min(np.int32(level), np.int32(levels - 1))
        ways[PART + n] = np.float32(level - lower)
        upper = min(np.int32(lower + 1), np.int32(levels - 1))
        texels[LEVELS + n], texels[LEVELS + ROW + n] = lower, upper
        _corners(0, n, lower, height, width, s, t, ways, texels)
        _corners(1, n, upper, height, width, s, t, ways, texels)
    if not lit:
        return
    shone = (
        light[0], light[1], light[2], light[3], light[4], light[5], light[6], light[7], light[8], light[9], light[10],
        light[11], light[12], light[13], light[14], light[15], light[16], light[17],
    )  # fmt: skip
    for n in range(count):
        total = numbers[TOTAL + n]
        p, q, o = numbers[NX + n] * total, numbers[NY + n] * total, numbers[NZ + n] * total
        bright, x, y, z = brightness(shone, sky, numbers[SIDE + n], p, q, o)
        numbers[X + n], numbers[Y + n], numbers[Z + n], numbers[BRIGHT + n] = p, q, o, bright
        numbers[BRIGHT_X + n], numbers[BRIGHT_Y + n], numbers[BRIGHT_Z + n] = x, y, z


@inlined
def _corners(
    step: int, n: int, level: Any, height: float, width: float, s: float, t: float, ways: np.ndarray, texels: np.ndarray
) -> None:
    """Fill the four texels around a place, counted from the first of their level, and the way from the upper left."""
    scale: Any = np.int32((127 - level) << 23).view(np.float32)  # 2^-level
    high, wide = height * scale, width * scale
    x, y = s * wide - 0.5, (1.0 - t) * high - 0.5
    left, top = np.floor(x), np.floor(y)
    x0, x1 = _within(left, wide - 1.0), _within(left + 1.0, wide - 1.0)
    y0, y1 = _within(top, high - 1.0) * wide, _within(top + 1.0, high - 1.0) * wide
    first = 4 * step * ROW + n
    texels[first], texels[first + ROW] = np.int32(y0 + x0), np.int32(y0 + x1)
    texels[first + 2 * ROW], texels[first + 3 * ROW] = np.int32(y1 + x0), np.int32(y1 + x1)
    ways[2 * step * ROW + n], ways[(2 * step + 1) * ROW + n] = np.float32(x - left), np.float32(y - top)


@inlined
def corners_at(texels: np.ndarray, step: int, n: int, first: int) -> tuple[Any, Any, Any, Any]:
    """Return the four texels around the place of a pixel in its lower (step 0) or upper resolution."""
    at = 4 * step * ROW + n
    return (
        first + texels[at], first + texels[at + ROW], first + texels[at + 2 * ROW], first + texels[at + 3 * ROW],
    )  # fmt: skip


@inlined
def _within(place: float, last: float) -> float:
    place = place if place > 0.0 else 0.0
    return place if place < last else last


@kernel
def turn_back(lit: bool, count: int, numbers: np.ndarray, ways: np.ndarray) -> None:
    """Turn gradients of brightness and place into those of numerators and denominator, of a chunk of `count` pixels."""
    for n in range(count):
        total, back = numbers[TOTAL + n], 0.0
        if lit:
            gain = ways[TO_BRIGHT + n]
            x, y, z = gain * numbers[BRIGHT_X + n], gain * numbers[BRIGHT_Y + n], gain * numbers[BRIGHT_Z + n]
            x, y, z = x * total, y * total, z * total
            numbers[TO_NX + n], numbers[TO_NY + n], numbers[TO_NZ + n] = x, y, z
            back = x * numbers[X + n] + y * numbers[Y + n] + z * numbers[Z + n]
        to_s, to_t = ways[TO_S + n] * total, ways[TO_T + n] * total
        whole = -(back + to_s * numbers[S + n] + to_t * numbers[T + n])
        numbers[TO_ACROSS + n], numbers[TO_UP + n], numbers[TO_WHOLE + n] = to_s, to_t, whole


@inlined
def summed(sums: Sums, lit: bool, places: np.ndarray, begin: int, count: int, own: int, numbers: np.ndarray) -> Sums:
    """Return the sums of a triangle's gradients with those of `count` pixels more; arguments as in `spread_out`."""
    whole, across, up, nx, ny, nz = sums
    for m in range(count):  # two loops of nine sums each: there are not registers for more
        u, v = _center(places[begin + m])
        whole = _plus(whole, numbers[TO_WHOLE + own + m], u, v)
        across = _plus(across, numbers[TO_ACROSS + own + m], u, v)
        up = _plus(up, numbers[TO_UP + own + m], u, v)
    if lit:
        for m in range(count):
            u, v = _center(places[begin + m])
            nx = _plus(nx, numbers[TO_NX + own + m], u, v)
            ny = _plus(ny, numbers[TO_NY + own + m], u, v)
            nz = _plus(nz, numbers[TO_NZ + own + m], u, v)
    return whole, across, up, nx, ny, nz


@inlined
def _center(packed: int) -> tuple[float, float]:
    """Return column and row of the center of a pixel, ``row << 16 | column``."""
    return np.int32(packed & 0xFFFF) + 0.5, np.int32(packed >> 16) + 0.5


@contracted
def _plus(total: Line, slope: float, u: float, v: float) -> Line:
    return total[0] + slope * u, total[1] + slope * v, total[2] + slope
