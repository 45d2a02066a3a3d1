"""Colors of all pixels that see a mesh: place on the texture, resolution, color, light; forward and backward.

Triangle by triangle, over the pixels that see it. A value of three corners is ``N(p) / W(p)`` at a pixel p, both linear
in its place, so a triangle has one set of factors, and one set of sums of gradients that become those of its
corners at its end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reverie.render.fused.chunks import (
    BRIGHT,
    CHUNK,
    LEVELS,
    NONE,
    PART,
    ROW,
    TO_BRIGHT,
    TO_S,
    TO_T,
    ZERO,
    Buffers,
    Line,
    Sums,
    corners_at,
    spread_out,
    summed,
    turn_back,
    work_out,
)
from reverie.render.fused.geometry import denominator, line_back, lines_of, numerator
from reverie.render.fused.kernel import allocating, contracted, inlined, kernel
from reverie.render.fused.lanes import dot, dot_from_green, joined, parted, spread, where_at_most_one
from reverie.render.fused.lights import has_sky
from reverie.render.fused.texels import between, color_of, scatter, slopes_of


@allocating
def sort_pixels(
    triangle: np.ndarray, count: int, ground: np.ndarray, image: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fill `mask` ``[H, W]``, and `image` where nothing is seen; return pixels in the order of their triangles.

    `ground` is ``[1, 1, 3]`` or ``[H, W, 3]``. Of the result, the first is ``[count + 1]``, where the pixels of each
    triangle begin in the second, ``row << 16 | column``.
    """
    first = np.zeros(count + 1, np.int64)
    own_y, own_x = (1, 1) if ground.shape[0] > 1 else (0, 0)
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            mask[y, x] = np.float32(f >= 0)
            if f >= 0:
                first[f + 1] += 1
                continue
            for c in range(3):
                image[y, x, c] = ground[y * own_y, x * own_x, c]
    for f in range(count):
        first[f + 1] += first[f]
    free, places = first[:-1].copy(), np.empty(first[count], np.uint32)
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f >= 0:
                places[free[f]] = np.uint32(y << 16 | x)
                free[f] += 1
    return first, places


@kernel
def shade(
    points: np.ndarray, faces: np.ndarray, first: np.ndarray, places: np.ndarray, uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, sides: np.ndarray, light: np.ndarray, texels: np.ndarray, sizes: np.ndarray, chunk: Buffers,
    image: np.ndarray,
) -> None:  # fmt: skip
    """Fill `image` ``[H, W, 3]`` where a triangle is seen.

    `normals` are those of vertices, none (``[0, 3]``) where all surfaces are equally bright; `sides` ``[F]`` and
    `light` are as in `reverie.render.fused.lights`; `texels` ``[M, 3]``; `sizes` ``[L, 3]`` are height, width and first
    texel of each resolution; `chunk` are `buffers`.
    """
    total, lit, f = int(first[faces.shape[0]]), normals.shape[0] > 0, 0
    numbers, ways, near = chunk
    for begin in range(0, total, CHUNK):
        count = min(CHUNK, total - begin)
        f = _fill(points, faces, first, places, uv, face_uv, normals, sides, light, sizes, begin, count, f, chunk)
        for n in range(count):
            lower, upper = near[LEVELS + n], near[LEVELS + ROW + n]
            part = ways[PART + n]
            color = color_of(texels, corners_at(near, 0, n, sizes[lower, 2]), ways[n], ways[ROW + n])[0]
            if part > 0:
                corners = corners_at(near, 1, n, sizes[upper, 2])
                color = between(color, color_of(texels, corners, ways[2 * ROW + n], ways[3 * ROW + n])[0], part)
            r, g, b = parted(color)
            y, x = _pixel(places[begin + n])
            if lit:
                bright, one = np.float32(numbers[BRIGHT + n]), np.float32(1)
                r, g, b = min(r * bright, one), min(g * bright, one), min(b * bright, one)
            image[y, x, 0], image[y, x, 1], image[y, x, 2] = r, g, b


@inlined
def _fill(
    points: np.ndarray, faces: np.ndarray, first: np.ndarray, places: np.ndarray, uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, sides: np.ndarray, light: np.ndarray, sizes: np.ndarray, begin: int, count: int, f: int,
    chunk: Buffers,
) -> int:  # fmt: skip
    """Fill all rows of the chunk of pixels from `begin` on, from triangle `f` on; return the last triangle."""
    numbers, ways, near = chunk
    done = 0
    while done < count:
        while first[f + 1] <= begin + done:
            f += 1
        own = min(first[f + 1] - begin, count) - done
        factors = _factors(lines_of(points, faces, f), uv, face_uv, normals, faces, f)
        spread_out(factors, sides[f], places, begin + done, own, done, numbers)
        done += own
    lit, sky, height, width = normals.shape[0] > 0, has_sky(light), float(sizes[0, 0]), float(sizes[0, 1])
    work_out(light, lit, sky, height, width, sizes.shape[0], count, numbers, ways, near)
    return f


@kernel
def shade_back(
    points: np.ndarray, faces: np.ndarray, first: np.ndarray, places: np.ndarray, uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, sides: np.ndarray, light: np.ndarray, texels: np.ndarray, sizes: np.ndarray, chunk: Buffers,
    slope: np.ndarray, to_texels: np.ndarray, to_normals: np.ndarray, to_points: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of texels ``[M, 4]``, normals and points, from those of the pixels ``[H, W, 3]``."""
    total, lit, f, last, sums = int(first[faces.shape[0]]), normals.shape[0] > 0, 0, -1, NONE
    for begin in range(0, total, CHUNK):
        count = min(CHUNK, total - begin)
        _fill(points, faces, first, places, uv, face_uv, normals, sides, light, sizes, begin, count, f, chunk)
        for n in range(count):
            _texels_back(places[begin + n], n, lit, texels, sizes, chunk, slope, to_texels)
        turn_back(lit, count, chunk[0], chunk[1])
        done = 0
        while done < count:
            while first[f + 1] <= begin + done:
                f += 1
            if f != last:
                sums, last = NONE, f
            own = min(first[f + 1] - begin, count) - done
            sums = summed(sums, lit, places, begin + done, own, done, chunk[0])
            done += own
            if first[f + 1] == begin + done:
                lines = lines_of(points, faces, f)
                _corners_back(points, faces, f, lines, uv, face_uv, normals, sums, to_normals, to_points)


@inlined
def _texels_back(
    packed: int, n: int, lit: bool, texels: np.ndarray, sizes: np.ndarray, chunk: Buffers, slope: np.ndarray,
    to_texels: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of texels from that of pixel `n` of the chunk; those of brightness and place replace its ways."""
    numbers, ways, near = chunk
    y, x = _pixel(packed)
    part, lower, upper = ways[PART + n], near[LEVELS + n], near[LEVELS + ROW + n]
    right, down, far_right, far_down = ways[n], ways[ROW + n], ways[2 * ROW + n], ways[3 * ROW + n]
    corners, above = corners_at(near, 0, n, sizes[lower, 2]), corners_at(near, 1, n, sizes[upper, 2])
    color, by_s, by_t = slopes_of(texels, corners, right, down, sizes[lower, 1], sizes[lower, 0])
    if part > 0:
        other, other_s, other_t = slopes_of(texels, above, far_right, far_down, sizes[upper, 1], sizes[upper, 0])
        color, by_s, by_t = between(color, other, part), between(by_s, other_s, part), between(by_t, other_t, part)
    to_color = joined(slope[y, x, 0], slope[y, x, 1], slope[y, x, 2])
    if lit:
        bright = spread(np.float32(numbers[BRIGHT + n]))
        to_color = where_at_most_one(color * bright, to_color)
        ways[TO_BRIGHT + n] = dot_from_green(to_color, color)
        to_color = to_color * bright
    ways[TO_S + n], ways[TO_T + n] = dot(to_color, by_s), dot(to_color, by_t)
    scatter(to_texels, corners, right, down, to_color * spread(np.float32(1) - part))
    if part > 0:
        scatter(to_texels, above, far_right, far_down, to_color * spread(part))


@inlined
def _corners_back(
    points: np.ndarray, faces: np.ndarray, f: int, lines: tuple[float, ...], uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, sums: Sums, to_normals: np.ndarray, to_points: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of the three corners of a triangle, from those of `_factors`."""
    to_whole, to_across, to_up, to_nx, to_ny, to_nz = sums
    for turn in range(3):
        i, own = face_uv[f, turn], faces[f, turn]
        line = _sum(_sum(to_whole, uv[i, 0], to_across), uv[i, 1], to_up)
        if normals.shape[0] > 0:
            line = _sum(_sum(line, normals[own, 0], to_nx), normals[own, 1], to_ny)
            line = _sum(line, normals[own, 2], to_nz)
            u, v, one = lines[3 * turn], lines[3 * turn + 1], lines[3 * turn + 2]
            to_normals[own, 0] += to_nx[0] * u + to_nx[1] * v + to_nx[2] * one
            to_normals[own, 1] += to_ny[0] * u + to_ny[1] * v + to_ny[2] * one
            to_normals[own, 2] += to_nz[0] * u + to_nz[1] * v + to_nz[2] * one
        line_back(points, faces[f, (turn + 1) % 3], faces[f, (turn + 2) % 3], line, to_points)


@inlined
def _pixel(packed: int) -> tuple[Any, Any]:
    """Return row and column, without a sign for the reason in `corners_of`."""
    return np.uint64(packed >> 16), np.uint64(packed & 0xFFFF)


@inlined
def _factors(
    lines: tuple[float, ...], uv: np.ndarray, face_uv: np.ndarray, normals: np.ndarray, faces: np.ndarray, f: int
) -> tuple[Line, Line, Line, Line, Line, Line]:
    """Return the denominator of a triangle's values, and the numerators of u, v and, where it is lit, its normal."""
    i, j, k = face_uv[f, 0], face_uv[f, 1], face_uv[f, 2]
    across = numerator(lines, uv[i, 0], uv[j, 0], uv[k, 0])
    up = numerator(lines, uv[i, 1], uv[j, 1], uv[k, 1])
    if normals.shape[0] == 0:
        return denominator(lines), across, up, ZERO, ZERO, ZERO
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    return (
        denominator(lines), across, up,
        numerator(lines, normals[i, 0], normals[j, 0], normals[k, 0]),
        numerator(lines, normals[i, 1], normals[j, 1], normals[k, 1]),
        numerator(lines, normals[i, 2], normals[j, 2], normals[k, 2]),
    )  # fmt: skip


@contracted
def _sum(total: Line, factor: float, line: Line) -> Line:
    """Return ``total + factor line``."""
    return total[0] + factor * line[0], total[1] + factor * line[1], total[2] + factor * line[2]
