"""Colors of all pixels that see a mesh: place on the texture, resolution, color, light; forward and backward.

Triangle by triangle, over the pixels that see it. A value of three corners is ``N(p) / W(p)`` at a pixel p, both linear
in its place, so a triangle has one set of factors, and one set of sums of gradients that become those of its
corners at its end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reverie.render.fused.corners import place
from reverie.render.fused.geometry import at, denominator, line_back, lines_of, numerator
from reverie.render.fused.kernel import allocating, contracted, inlined, kernel
from reverie.render.fused.lights import brightness, has_sky
from reverie.render.fused.texels import dot, level_of, mixed_color, mixed_slopes, scatter

Line = tuple[float, float, float]
ZERO = (0.0, 0.0, 0.0)


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
    normals: np.ndarray, sides: np.ndarray, light: np.ndarray, texels: np.ndarray, sizes: np.ndarray, image: np.ndarray,
) -> None:  # fmt: skip
    """Fill `image` ``[H, W, 3]`` where a triangle is seen.

    `normals` are those of vertices, none (``[0, 3]``) where all surfaces are equally bright; `sides` ``[F]`` and
    `light` are as in `reverie.render.fused.lights`; `texels` ``[M, 3]``; `sizes` ``[L, 3]`` are height, width and first
    texel of each resolution.
    """
    lit, sky = normals.shape[0] > 0, has_sky(light)
    for f in range(faces.shape[0]):
        if first[f] == first[f + 1]:
            continue
        whole, across, up, nx, ny, nz = _factors(lines_of(points, faces, f), uv, face_uv, normals, faces, f)
        for n in range(first[f], first[f + 1]):
            y, x, u, v = _pixel(places[n])
            s, t, total, wide = place(across, up, whole, u, v)
            r, g, b = mixed_color(texels, sizes, s, t, level_of(wide, sizes))
            if lit:
                p, q, o = at(nx, u, v) * total, at(ny, u, v) * total, at(nz, u, v) * total
                bright = np.float32(brightness(light, sky, sides[f], p, q, o)[0])
                r, g, b = (
                    min(r * bright, np.float32(1)), min(g * bright, np.float32(1)), min(b * bright, np.float32(1))
                )  # fmt: skip
            image[y, x, 0], image[y, x, 1], image[y, x, 2] = r, g, b


@kernel
def shade_back(
    points: np.ndarray, faces: np.ndarray, first: np.ndarray, places: np.ndarray, uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, sides: np.ndarray, light: np.ndarray, texels: np.ndarray, sizes: np.ndarray, slope: np.ndarray,
    to_texels: np.ndarray, to_normals: np.ndarray, to_points: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of texels, normals and points, from those of the pixels ``[H, W, 3]``."""
    lit, sky = normals.shape[0] > 0, has_sky(light)
    for f in range(faces.shape[0]):
        if first[f] == first[f + 1]:
            continue
        lines = lines_of(points, faces, f)
        whole, across, up, nx, ny, nz = _factors(lines, uv, face_uv, normals, faces, f)
        to_whole = to_across = to_up = to_nx = to_ny = to_nz = ZERO
        for n in range(first[f], first[f + 1]):
            y, x, u, v = _pixel(places[n])
            s, t, total, wide = place(across, up, whole, u, v)
            near, above, part, color, by_s, by_t = mixed_slopes(texels, sizes, s, t, level_of(wide, sizes))
            to_color, back = (slope[y, x, 0], slope[y, x, 1], slope[y, x, 2]), 0.0
            if lit:
                p, q, o = at(nx, u, v) * total, at(ny, u, v) * total, at(nz, u, v) * total
                bright, px, py, pz = brightness(light, sky, sides[f], p, q, o)
                to_color, gain = _unlit(color, np.float32(bright), to_color)
                px, py, pz = gain * px * total, gain * py * total, gain * pz * total
                to_nx, to_ny, to_nz = _plus(to_nx, px, u, v), _plus(to_ny, py, u, v), _plus(to_nz, pz, u, v)
                back = px * p + py * q + pz * o
            to_s, to_t = dot(to_color, by_s), dot(to_color, by_t)
            scatter(to_texels, near, *_scaled(to_color, np.float32(1) - part))
            if part > 0:
                scatter(to_texels, above, *_scaled(to_color, part))
            to_s, to_t = to_s * total, to_t * total
            to_across, to_up = _plus(to_across, to_s, u, v), _plus(to_up, to_t, u, v)
            to_whole = _plus(to_whole, -(back + to_s * s + to_t * t), u, v)
        sums = (to_whole, to_across, to_up, to_nx, to_ny, to_nz)
        _corners_back(points, faces, f, lines, uv, face_uv, normals, sums, to_normals, to_points)


@inlined
def _corners_back(
    points: np.ndarray, faces: np.ndarray, f: int, lines: tuple[float, ...], uv: np.ndarray, face_uv: np.ndarray,
    normals: np.ndarray, sums: tuple[Line, Line, Line, Line, Line, Line], to_normals: np.ndarray, to_points: np.ndarray,
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
def _pixel(packed: int) -> tuple[Any, Any, float, float]:
    """Return row and column, without a sign for the reason in `corners_of`, and the place of the center."""
    row, column = int(packed) >> 16, int(packed) & 0xFFFF
    return np.uint64(row), np.uint64(column), column + 0.5, row + 0.5


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
def _unlit(color: tuple[Any, Any, Any], bright: Any, slope: tuple[Any, Any, Any]) -> tuple[tuple[Any, Any, Any], Any]:
    """Return the gradient of a color without light, and that of the brightness, from that of the lit color."""
    r = slope[0] if color[0] * bright <= 1 else np.float32(0)
    g = slope[1] if color[1] * bright <= 1 else np.float32(0)
    b = slope[2] if color[2] * bright <= 1 else np.float32(0)
    return (r * bright, g * bright, b * bright), r * color[0] + g * color[1] + b * color[2]


@contracted
def _scaled(color: tuple[Any, Any, Any], factor: Any) -> tuple[Any, Any, Any]:
    return color[0] * factor, color[1] * factor, color[2] * factor


@contracted
def _plus(total: Line, slope: float, u: float, v: float) -> Line:
    return total[0] + slope * u, total[1] + slope * v, total[2] + slope


@contracted
def _sum(total: Line, factor: float, line: Line) -> Line:
    """Return ``total + factor line``."""
    return total[0] + factor * line[0], total[1] + factor * line[1], total[2] + factor * line[2]
