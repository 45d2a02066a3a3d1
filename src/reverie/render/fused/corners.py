"""Values at the corners of triangles, carried to the pixels that see them, row by row.

See `reverie.render.interpolate` and `reverie.render.footprint` for what is computed.
"""

from __future__ import annotations

import numpy as np

from reverie.render.fused.geometry import at, denominator, line_back, lines_of, numerator, weights_at
from reverie.render.fused.kernel import inlined, kernel

NONE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@inlined
def _lines_next(
    points: np.ndarray, faces: np.ndarray, f: int, last: int, lines: tuple[float, ...]
) -> tuple[float, ...]:
    """Return the edge functions of a pixel's triangle; neighbors often see the same one."""
    return lines if f == last else lines_of(points, faces, f)


@kernel
def interpolate(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, values: np.ndarray, corners: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Fill `out` ``[H, W, K]`` where a triangle is seen."""
    last, lines = -1, NONE
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            lines, last = _lines_next(points, faces, f, last, lines), f
            n = weights_at(lines, x + 0.5, y + 0.5)[0]
            i, j, k = corners[f, 0], corners[f, 1], corners[f, 2]
            for m in range(values.shape[1]):
                out[y, x, m] = n[0] * values[i, m] + n[1] * values[j, m] + n[2] * values[k, m]


@kernel
def interpolate_back(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, values: np.ndarray, corners: np.ndarray,
    slope: np.ndarray, to_values: np.ndarray, to_lines: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of the values, and of the edge functions ``[F, 9]``; of no triangle where `to_lines` has none."""
    last, lines = -1, NONE
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            lines, last = _lines_next(points, faces, f, last, lines), f
            n, total = weights_at(lines, x + 0.5, y + 0.5)
            i, j, k = corners[f, 0], corners[f, 1], corners[f, 2]
            g0 = g1 = g2 = 0.0
            for m in range(values.shape[1]):
                s = slope[y, x, m]
                g0, g1, g2 = g0 + s * values[i, m], g1 + s * values[j, m], g2 + s * values[k, m]
                to_values[i, m] += s * n[0]
                to_values[j, m] += s * n[1]
                to_values[k, m] += s * n[2]
            if to_lines.shape[0] > 0:
                mean = g0 * n[0] + g1 * n[1] + g2 * n[2]
                _add(to_lines, f, 0, (g0 - mean) * total, x + 0.5, y + 0.5)
                _add(to_lines, f, 3, (g1 - mean) * total, x + 0.5, y + 0.5)
                _add(to_lines, f, 6, (g2 - mean) * total, x + 0.5, y + 0.5)


@inlined
def _add(to_lines: np.ndarray, f: int, first: int, slope: float, u: float, v: float) -> None:
    to_lines[f, first] += slope * u
    to_lines[f, first + 1] += slope * v
    to_lines[f, first + 2] += slope


@kernel
def lines_back(to_lines: np.ndarray, points: np.ndarray, faces: np.ndarray, to_points: np.ndarray) -> None:
    """Add the gradient of the points, from that of all edge functions ``[F, 9]``."""
    for f in range(to_lines.shape[0]):
        for turn in range(3):
            slope = (to_lines[f, 3 * turn], to_lines[f, 3 * turn + 1], to_lines[f, 3 * turn + 2])
            if slope[0] == 0.0 and slope[1] == 0.0 and slope[2] == 0.0:
                continue
            line_back(points, faces[f, (turn + 1) % 3], faces[f, (turn + 2) % 3], slope, to_points)


@kernel
def footprint(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, uv: np.ndarray, face_uv: np.ndarray, out: np.ndarray
) -> None:
    """Fill `out` ``[H, W]``, how far texture coordinates move per pixel, where a triangle is seen."""
    last, lines = -1, NONE
    for y in range(triangle.shape[0]):
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            lines, last = _lines_next(points, faces, f, last, lines), f
            i, j, k = face_uv[f, 0], face_uv[f, 1], face_uv[f, 2]
            across, up = numerator(lines, uv[i, 0], uv[j, 0], uv[k, 0]), numerator(lines, uv[i, 1], uv[j, 1], uv[k, 1])
            out[y, x] = np.sqrt(place(across, up, denominator(lines), x + 0.5, y + 0.5)[3])


@inlined
def place(
    across: tuple[float, float, float], up: tuple[float, float, float], whole: tuple[float, float, float],
    u: float, v: float,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Return texture coordinates, one over the denominator, and the mean square of how far they move per pixel."""
    total = 1.0 / at(whole, u, v)
    s, t = at(across, u, v) * total, at(up, u, v) * total
    sx, sy = (across[0] - s * whole[0]) * total, (across[1] - s * whole[1]) * total
    tx, ty = (up[0] - t * whole[0]) * total, (up[1] - t * whole[1]) * total
    return s, t, total, (sx * sx + sy * sy + tx * tx + ty * ty) / 2
