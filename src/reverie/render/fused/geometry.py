"""Points in the picture and normals of vertices, forward and backward."""

from __future__ import annotations

import numpy as np

from reverie.render.fused.kernel import inlined, kernel

LEAST_LENGTH = 1e-20  # of a normal: where faces cancel, it is zero


@kernel
def project(vertices: np.ndarray, matrix: np.ndarray, points: np.ndarray) -> None:
    """Fill `points` ``[V, 3]`` float64; see `reverie.render.camera.project`."""
    for v in range(vertices.shape[0]):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for i in range(3):
            points[v, i] = matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] * z + matrix[i, 3]


@kernel
def project_back(to_points: np.ndarray, matrix: np.ndarray, to_vertices: np.ndarray) -> None:
    """Add the gradient of the vertices."""
    for v in range(to_points.shape[0]):
        x, y, w = to_points[v, 0], to_points[v, 1], to_points[v, 2]
        for i in range(3):
            to_vertices[v, i] += matrix[0, i] * x + matrix[1, i] * y + matrix[2, i] * w


@kernel
def normals(vertices: np.ndarray, faces: np.ndarray, unit: np.ndarray, length: np.ndarray) -> None:
    """Fill `unit` ``[V, 3]`` float64 and `length` ``[V]``, that of the sum over faces."""
    unit[:] = 0.0
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        x, y, z = _cross(_between(vertices, i, j), _between(vertices, i, k))
        for n in range(3):
            v = faces[f, n]
            unit[v, 0] += x
            unit[v, 1] += y
            unit[v, 2] += z
    for v in range(unit.shape[0]):
        square = unit[v, 0] ** 2 + unit[v, 1] ** 2 + unit[v, 2] ** 2
        length[v] = max(np.sqrt(square), LEAST_LENGTH)
        for i in range(3):
            unit[v, i] /= length[v]


@kernel
def normals_back(
    vertices: np.ndarray, faces: np.ndarray, unit: np.ndarray, length: np.ndarray, to_unit: np.ndarray,
    to_vertices: np.ndarray,
) -> None:  # fmt: skip
    """Add the gradient of the vertices; overwrites `to_unit`."""
    for v in range(unit.shape[0]):
        along = to_unit[v, 0] * unit[v, 0] + to_unit[v, 1] * unit[v, 1] + to_unit[v, 2] * unit[v, 2]
        for i in range(3):
            to_unit[v, i] = (to_unit[v, i] - along * unit[v, i]) / length[v]
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        slope = (
            to_unit[i, 0] + to_unit[j, 0] + to_unit[k, 0],
            to_unit[i, 1] + to_unit[j, 1] + to_unit[k, 1],
            to_unit[i, 2] + to_unit[j, 2] + to_unit[k, 2],
        )
        if slope[0] == 0.0 and slope[1] == 0.0 and slope[2] == 0.0:
            continue
        second = _cross(_between(vertices, i, k), slope)
        third = _cross(slope, _between(vertices, i, j))
        for n in range(3):
            to_vertices[j, n] += second[n]
            to_vertices[k, n] += third[n]
            to_vertices[i, n] -= second[n] + third[n]


@kernel
def sides_seen(vertices: np.ndarray, faces: np.ndarray, unit: np.ndarray, eye: np.ndarray, sides: np.ndarray) -> None:
    """Fill `sides` ``[F]``; see `reverie.render.light.sides_seen`."""
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        flat = _cross(_between(vertices, i, j), _between(vertices, i, k))
        out = along = 0.0
        for n in range(3):
            out += flat[n] * (eye[n] - vertices[i, n])
            along += flat[n] * (unit[i, n] + unit[j, n] + unit[k, n])
        sides[f] = 1.0 if (out < 0) == (along < 0) else -1.0


@inlined
def _between(vertices: np.ndarray, i: int, j: int) -> tuple[float, float, float]:
    return (
        np.float64(vertices[j, 0]) - vertices[i, 0],
        np.float64(vertices[j, 1]) - vertices[i, 1],
        np.float64(vertices[j, 2]) - vertices[i, 2],
    )


@inlined
def _cross(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@inlined
def lines_of(points: np.ndarray, faces: np.ndarray, f: int) -> tuple[float, ...]:
    """Return the nine numbers of the edge functions ``n_i`` of a triangle; see `reverie.render.raster`."""
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    ax, ay, aw = points[i, 0], points[i, 1], points[i, 2]
    bx, by, bw = points[j, 0], points[j, 1], points[j, 2]
    cx, cy, cw = points[k, 0], points[k, 1], points[k, 2]
    return (
        by * cw - bw * cy, bw * cx - bx * cw, bx * cy - by * cx,
        cy * aw - cw * ay, cw * ax - cx * aw, cx * ay - cy * ax,
        ay * bw - aw * by, aw * bx - ax * bw, ax * by - ay * bx,
    )  # fmt: skip


@inlined
def line_back(points: np.ndarray, j: int, k: int, slope: tuple[float, float, float], to_points: np.ndarray) -> None:
    """Add the gradient of the points, from that of one edge function.

    ``n = (P_j x P_k) . p``: its gradient is ``P_k x (g p)`` for P_j, and ``(g p) x P_j`` for P_k.
    """
    one = _cross((points[k, 0], points[k, 1], points[k, 2]), slope)
    two = _cross(slope, (points[j, 0], points[j, 1], points[j, 2]))
    for n in range(3):
        to_points[j, n] += one[n]
        to_points[k, n] += two[n]


@inlined
def weights_at(lines: tuple[float, ...], u: float, v: float) -> tuple[tuple[float, float, float], float]:
    """Return the barycentric coordinates of a place, and one over the sum of its edge functions."""
    n0 = lines[0] * u + lines[1] * v + lines[2]
    n1 = lines[3] * u + lines[4] * v + lines[5]
    n2 = lines[6] * u + lines[7] * v + lines[8]
    total = 1.0 / (n0 + n1 + n2)
    return (n0 * total, n1 * total, n2 * total), total


@inlined
def numerator(lines: tuple[float, ...], a: float, b: float, c: float) -> tuple[float, float, float]:
    """Return a value of three corners before it is divided: linear in the place, as factors of column, row and one."""
    return (
        lines[0] * a + lines[3] * b + lines[6] * c,
        lines[1] * a + lines[4] * b + lines[7] * c,
        lines[2] * a + lines[5] * b + lines[8] * c,
    )


@inlined
def denominator(lines: tuple[float, ...]) -> tuple[float, float, float]:
    """Return what all such values are divided by."""
    return lines[0] + lines[3] + lines[6], lines[1] + lines[4] + lines[7], lines[2] + lines[5] + lines[8]


@inlined
def at(line: tuple[float, float, float], u: float, v: float) -> float:
    """Return a linear function at a place."""
    return line[0] * u + line[1] * v + line[2]
