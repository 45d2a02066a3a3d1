"""Crossings of outlines with the lines between pixel centers, blended; see `reverie.render.outline`."""

from __future__ import annotations

import math

import numpy as np

from reverie.render.fused.kernel import allocating, inlined, kernel

CLOSER = 1 + 1e-4  # as in `reverie.render.outline`


@allocating
def find(
    points: np.ndarray, ends: np.ndarray, opposite: np.ndarray, triangle: np.ndarray, inverse: np.ndarray, near: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return all crossings of a view: ``[K, 7]`` integers and ``[K]`` amounts ``w (t - 1/2)``.

    Integers: edge, 0 for a row and 1 for a column, its number, the pixel before the crossing, near pixel, far pixel,
    target; pixels are flat indices, but for the fourth, which is along the line.
    """
    chosen, sides = _outlines(points, ends, opposite, near)
    most = 0
    for n in range(chosen.shape[0]):
        place = _placed(points, ends, chosen[n], near)
        for axis in range(2):
            first, last = _span(place[1 - axis], place[4 - axis], triangle.shape[axis])
            most += max(last - first, 0)
    where, way = np.empty((most, 7), np.int64), np.empty(most)
    count = 0
    seen, behind = triangle.reshape(-1), inverse.reshape(-1)
    for n in range(chosen.shape[0]):
        place = _placed(points, ends, chosen[n], near)
        for axis in range(2):
            forward = sides[n, axis] < 0
            count = _along(place, axis, forward, chosen[n], seen, behind, triangle.shape, where, way, count)
    return _kept(points, ends, near, where[:count], way[:count])


@allocating
def _outlines(points: np.ndarray, ends: np.ndarray, opposite: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges that may be outlines, and on which side of each the surface lies, by column and row."""
    chosen, sides, count = np.empty(ends.shape[0], np.int64), np.empty((ends.shape[0], 2)), 0
    for e in range(ends.shape[0]):
        i, j, k, m = ends[e, 0], ends[e, 1], opposite[e, 0], opposite[e, 1]
        if points[i, 2] <= near and points[j, 2] <= near:
            continue
        x = points[i, 1] * points[j, 2] - points[i, 2] * points[j, 1]
        y = points[i, 2] * points[j, 0] - points[i, 0] * points[j, 2]
        w = points[i, 0] * points[j, 1] - points[i, 1] * points[j, 0]
        first = x * points[k, 0] + y * points[k, 1] + w * points[k, 2]
        if first == 0.0 or (m >= 0 and first * (x * points[m, 0] + y * points[m, 1] + w * points[m, 2]) <= 0.0):
            continue
        sign = 1.0 if first > 0 else -1.0
        chosen[count], sides[count, 0], sides[count, 1] = e, sign * x, sign * y
        count += 1
    return chosen[:count], sides[:count]


@inlined
def _placed(points: np.ndarray, ends: np.ndarray, e: int, near: float) -> tuple[float, ...]:
    """Return column, row and depth of both ends of an edge, cut at the near plane."""
    i, j = ends[e, 0], ends[e, 1]
    ax, ay, aw = points[i, 0], points[i, 1], points[i, 2]
    bx, by, bw = points[j, 0], points[j, 1], points[j, 2]
    if aw < near:
        t = (near - aw) / (bw - aw)
        ax, ay, aw = ax + t * (bx - ax), ay + t * (by - ay), near
    elif bw < near:
        t = (near - bw) / (aw - bw)
        bx, by, bw = bx + t * (ax - bx), by + t * (ay - by), near
    return ax / aw, ay / aw, aw, bx / bw, by / bw, bw


@inlined
def _span(one: float, two: float, limit: int) -> tuple[int, int]:
    """Return the first line center between two places and the one after the last, half open."""
    first = math.ceil(min(max(min(one, two) - 0.5, 0.0), float(limit)))
    last = math.ceil(min(max(max(one, two) - 0.5, 0.0), float(limit)))
    return int(first), int(last)


@inlined
def _along(
    place: tuple[float, ...], axis: int, forward: bool, edge: int, seen: np.ndarray, behind: np.ndarray,
    size: tuple[int, int], where: np.ndarray, way: np.ndarray, count: int,
) -> int:  # fmt: skip
    """Append the real crossings of an edge along rows (axis 0) or columns (axis 1), and return how many there are.

    `forward`: the surface lies towards smaller places, so that its pixel is the lower one. `seen` and `behind` are
    triangle and inverse depth of pixels in one row, `size` the picture's ``(H, W)``.
    """
    width, limit = size[1], size[1 - axis]
    step, stride = (1, width) if axis == 0 else (width, 1)
    place_a, place_b, line_a, line_b = place[axis], place[3 + axis], place[1 - axis], place[4 - axis]
    first_line, last_line = _span(line_a, line_b, size[axis])
    for line in range(first_line, last_line):
        t = (line + 0.5 - line_a) / (line_b - line_a)
        at = place_a + t * (place_b - place_a)
        if not (at >= 0.5 and at < limit - 0.5):
            continue
        first = math.floor(at - 0.5)
        low = line * stride + first * step
        near, far = (low, low + step) if forward else (low + step, low)
        depth = 1 / place[2] + t * (1 / place[5] - 1 / place[2])
        if seen[near] == seen[far] or seen[near] < 0 or depth <= behind[far] * CLOSER:
            continue
        length = at - (first + 0.5) if forward else first + 1.5 - at
        pair = 4 * low + 2 * axis + (1 if forward else 0)
        own = where[count]
        own[0], own[1], own[2], own[3], own[4], own[5], own[6] = edge, axis, line, first, near, far, pair
        way[count] = length
        count += 1
    return count


@allocating
def _longest(where: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return ``[K]``, the outermost way of all crossings of the same pair of pixels, from one side; by a hash table."""
    size = 16
    while size < 2 * where.shape[0]:
        size *= 2
    pairs, longest, slot = np.empty(size, np.int64), np.zeros(size, np.float32), np.empty(where.shape[0], np.int64)
    for n in range(size):
        pairs[n] = -1
    for n in range(where.shape[0]):
        at = (where[n, 6] * 2654435761 >> 15) & (size - 1)
        while pairs[at] != -1 and pairs[at] != where[n, 6]:
            at = (at + 1) & (size - 1)
        pairs[at], slot[n] = where[n, 6], at
        longest[at] = max(longest[at], np.float32(way[n]))
    found = np.empty(where.shape[0], np.float32)
    for n in range(where.shape[0]):
        found[n] = longest[slot[n]]
    return found


@allocating
def _kept(
    points: np.ndarray, ends: np.ndarray, near: float, where: np.ndarray, way: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the outermost crossing of each pair of pixels, and return how much it blends."""
    longest = _longest(where, way)
    kept, amount, count = np.empty((where.shape[0], 7), np.int64), np.empty(way.shape[0]), 0
    for n in range(where.shape[0]):
        own = where[n]
        if np.float32(way[n]) < longest[n]:
            continue
        run, rise = _direction(_placed(points, ends, own[0], near), own[1])
        kept[count] = own
        kept[count, 6] = own[5] if way[n] > 0.5 else own[4]
        amount[count] = rise * rise / (rise * rise + run * run) * (way[n] - 0.5)
        count += 1
    return kept[:count], amount[:count]


@inlined
def _direction(place: tuple[float, ...], axis: int) -> tuple[float, float]:
    """Return how far an edge runs along the line and across it."""
    if axis == 0:
        return place[3] - place[0], place[4] - place[1]
    return place[4] - place[1], place[3] - place[0]


@kernel
def blend(where: np.ndarray, amount: np.ndarray, image: np.ndarray, mask: np.ndarray, difference: np.ndarray) -> None:
    """Blend `image` ``[H W, 3]`` and `mask` ``[H W]`` in place; fill `difference` ``[K, 4]``, near less far before."""
    for n in range(where.shape[0]):
        near, far = where[n, 4], where[n, 5]
        for c in range(3):
            difference[n, c] = image[near, c] - image[far, c]
        difference[n, 3] = mask[near] - mask[far]
    for n in range(where.shape[0]):
        target = where[n, 6]
        for c in range(3):
            image[target, c] += amount[n] * difference[n, c]
        mask[target] += amount[n] * difference[n, 3]


@kernel
def blend_back(
    points: np.ndarray, ends: np.ndarray, near: float, where: np.ndarray, amount: np.ndarray, difference: np.ndarray,
    slope: np.ndarray, to_mask: np.ndarray, to_image: np.ndarray, to_points: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of points, and of colors before blending, from those after it.

    `slope` is ``[H W, 3]`` of the blended image, `to_mask` ``[H W]`` of the blended mask; `to_image` begins as a copy
    of `slope`.
    """
    for n in range(where.shape[0]):
        target, found = where[n, 6], to_mask[where[n, 6]] * difference[n, 3]
        for c in range(3):
            found += slope[target, c] * difference[n, c]
            to_image[where[n, 4], c] += amount[n] * slope[target, c]
            to_image[where[n, 5], c] -= amount[n] * slope[target, c]
        _crossing_back(points, ends, near, where[n], found, to_points)


@inlined
def _crossing_back(
    points: np.ndarray, ends: np.ndarray, near: float, own: np.ndarray, slope: float, to_points: np.ndarray
) -> None:
    """Add the gradient of the two ends of an edge, from that of the amount of one crossing."""
    axis, place = own[1], _placed(points, ends, own[0], near)
    run, rise = _direction(place, axis)
    forward = own[4] < own[5]
    slope *= (1.0 if forward else -1.0) * rise * rise / (rise * rise + run * run)
    t = (own[2] + 0.5 - place[1 - axis]) / rise
    along_a, along_b = slope * (1 - t), slope * t
    across_a, across_b = slope * run * (t - 1) / rise, -slope * run * t / rise
    if axis == 0:
        _end_back(points, ends[own[0], 0], ends[own[0], 1], near, along_a, across_a, to_points)
        _end_back(points, ends[own[0], 1], ends[own[0], 0], near, along_b, across_b, to_points)
    else:
        _end_back(points, ends[own[0], 0], ends[own[0], 1], near, across_a, along_a, to_points)
        _end_back(points, ends[own[0], 1], ends[own[0], 0], near, across_b, along_b, to_points)


@inlined
def _end_back(
    points: np.ndarray, i: int, other: int, near: float, column: float, row: float, to_points: np.ndarray
) -> None:
    """Add the gradient of point `i`, from that of its place in the picture; of both, where the edge was cut."""
    x, y, w = points[i, 0], points[i, 1], points[i, 2]
    if w >= near:
        to_points[i, 0] += column / w
        to_points[i, 1] += row / w
        to_points[i, 2] -= (column * x + row * y) / (w * w)
        return
    dx, dy, dw = points[other, 0] - x, points[other, 1] - y, points[other, 2] - w
    t = (near - w) / dw
    column, row = column / near, row / near  # the depth of the cut end is fixed
    moved = (column * dx + row * dy) / dw
    to_points[i, 0] += (1 - t) * column
    to_points[i, 1] += (1 - t) * row
    to_points[i, 2] += (t - 1) * moved
    to_points[other, 0] += t * column
    to_points[other, 1] += t * row
    to_points[other, 2] -= t * moved
