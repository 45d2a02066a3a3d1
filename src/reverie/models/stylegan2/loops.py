"""The two transforms of `reverie.models.winograd` as loops of their own, with what stands before and behind them.

As matrix products they take half of the time of layers with few channels. But most of their factors are 0, 1 and powers
of two, and sums of pairs serve twice. Tile by tile and some channels at once, all numbers stay in the nearest cache.
Needs numba, and is imported only where that is installed. Arrays are flat, and float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.numerics.machine_code import compiled

LANES = 16  # channels at once; of both sides there is a whole number of them
ROOM = 72 * LANES  # numbers of one tile, twice
MIDDLE = 36 * LANES
HALF, QUARTER, EIGHTH, MIXED, SLOPE, NOTHING = (np.float32(value) for value in (0.5, 0.25, 0.125, 1.25, 0.2, 0))
Floats = NDArray[np.float32]


def _inward_line(room: Floats, source: int, target: int, step: int) -> None:
    """Write ``B^T d`` of six numbers, every `step`-th place, of each of the channels."""
    for c in range(LANES):
        a, b = source + c, target + c
        d0, d1, d2 = room[a], room[a + step], room[a + 2 * step]
        d3, d4, d5 = room[a + 3 * step], room[a + 4 * step], room[a + 5 * step]
        near, far = d4 - QUARTER * d2, d3 - QUARTER * d1
        even, odd = d4 - d2, HALF * (d3 - d1)
        room[b] = QUARTER * d0 - MIXED * d2 + d4
        room[b + step] = near + far
        room[b + 2 * step] = near - far
        room[b + 3 * step] = even + odd
        room[b + 4 * step] = even - odd
        room[b + 5 * step] = QUARTER * d1 - MIXED * d3 + d5


def _outward_line(room: Floats, source: int, target: int, step: int) -> None:
    """Write ``A^T m`` of six numbers, every `step`-th place: four."""
    for c in range(LANES):
        a, b = source + c, target + c
        m1, m2, m3, m4 = room[a + step], room[a + 2 * step], room[a + 3 * step], room[a + 4 * step]
        one, two, three, four = m1 + m2, m1 - m2, m3 + m4, m3 - m4
        room[b] = room[a] + one + three
        room[b + step] = two + HALF * four
        room[b + 2 * step] = one + QUARTER * three
        room[b + 3 * step] = two + EIGHTH * four + room[a + 5 * step]


inward_line, outward_line = (
    compiled(f, fastmath={"contract"}, forceinline=True) for f in (_inward_line, _outward_line)
)


def _inward(
    pixels: Floats, style: Floats, first: int, count: int, across: int, out: Floats, step: int, room: Floats
) -> None:
    """Write ``B^T (style d) B`` of tiles `first` to `first + count`, zeros around the picture.

    Args:
        pixels: ``[4 d, 4 across, C]``.
        style: ``[C]``.
        first: tile.
        count: of tiles.
        across: tiles that stand beside each other.
        out: 36 times ``[count, C]``, every `step`-th place.
        step: in numbers.
        room: `ROOM` numbers.
    """
    channels, width = style.size, 4 * across
    height = pixels.size // (width * channels)
    for tile in range(count):
        row, column = (first + tile) // across, (first + tile) % across
        for start in range(0, channels, LANES):
            for i in range(6):
                for j in range(6):
                    y, x, target = 4 * row + i - 1, 4 * column + j - 1, (6 * i + j) * LANES
                    if 0 <= y < height and 0 <= x < width:
                        source = (y * width + x) * channels + start
                        for c in range(LANES):
                            room[target + c] = pixels[source + c] * style[start + c]
                    else:
                        for c in range(LANES):
                            room[target + c] = NOTHING * style[start + c]
            for j in range(6):
                inward_line(room, j * LANES, MIDDLE + j * LANES, 6 * LANES)
            for i in range(6):
                inward_line(room, MIDDLE + 6 * i * LANES, 6 * i * LANES, LANES)
            for k in range(36):
                target = k * step + tile * channels + start
                for c in range(LANES):
                    out[target + c] = room[k * LANES + c]


def _outward(
    product: Floats, first: int, count: int, across: int, scale: Floats, bias: Floats, grain: Floats, bound: float,
    out: Floats, room: Floats,
) -> None:  # fmt: skip
    """Write the leaky ReLU of ``scale A^T m A + bias + grain``, bounded, of tiles `first` to `first + count`.

    Args:
        product: ``[36, count, O]``.
        first: tile.
        count: of tiles.
        across: tiles that stand beside each other.
        scale: ``[O]``.
        bias: ``[O]``.
        grain: ``[4 d, 4 across]``.
        bound: of the absolute value.
        out: ``[4 d, 4 across, O]``.
        room: `ROOM` numbers.
    """
    channels, width = scale.size, 4 * across
    for tile in range(count):
        row, column = (first + tile) // across, (first + tile) % across
        for start in range(0, channels, LANES):
            for k in range(36):
                source = (k * count + tile) * channels + start
                for c in range(LANES):
                    room[k * LANES + c] = product[source + c]
            for j in range(6):
                outward_line(room, j * LANES, MIDDLE + j * LANES, 6 * LANES)
            for i in range(4):
                outward_line(room, MIDDLE + 6 * i * LANES, 4 * i * LANES, LANES)
            for i in range(4):
                for j in range(4):
                    place = (4 * row + i) * width + 4 * column + j
                    added, target = grain[place], place * channels + start
                    for c in range(LANES):
                        value = room[(4 * i + j) * LANES + c] * scale[start + c] + bias[start + c] + added
                        value = max(value, SLOPE * value)
                        out[target + c] = min(max(value, -bound), bound)


inward = compiled(_inward, fastmath={"contract"})
outward = compiled(_outward, fastmath={"contract"})
