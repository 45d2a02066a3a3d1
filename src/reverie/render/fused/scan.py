"""The rasterizer as a loop over triangles; see `reverie.render.raster` for what it computes."""

from __future__ import annotations

import numpy as np

from reverie.render.fused.geometry import lines_of
from reverie.render.fused.kernel import allocating, inlined


@allocating
def scan(points: np.ndarray, faces: np.ndarray, near: float, triangle: np.ndarray, inverse: np.ndarray) -> None:
    """Fill `triangle` ``[H, W]`` int32, which begins with -1, and `inverse` float32, which begins with 0.

    No fast math: that two triangles compute exactly opposite numbers for the edge they share keeps surfaces closed.
    """
    height, width = triangle.shape
    nearest = 1.0 / near
    flat = np.empty((points.shape[0], 2))
    for v in range(points.shape[0]):
        flat[v, 0], flat[v, 1] = points[v, 0] / points[v, 2], points[v, 1] / points[v, 2]
    for f in range(faces.shape[0]):
        first_x, last_x, first_y, last_y = _box(points, flat, faces, f, near, height, width)
        if first_x > last_x or first_y > last_y:
            continue
        e0x, e0y, e0z, e1x, e1y, e1z, e2x, e2y, e2z = lines_of(points, faces, f)
        i = faces[f, 0]
        det = points[i, 0] * e0x + points[i, 1] * e0y + points[i, 2] * e0z
        if det == 0.0 or not np.isfinite(det):
            continue
        if det < 0:
            e0x, e0y, e0z, e1x, e1y, e1z, e2x, e2y, e2z = -e0x, -e0y, -e0z, -e1x, -e1y, -e1z, -e2x, -e2y, -e2z
        scale = 1.0 / abs(det)
        for y in range(first_y, last_y + 1):
            v = y + 0.5
            r0, r1, r2 = e0y * v, e1y * v, e2y * v
            entered = False
            for x in range(first_x, last_x + 1):
                u = x + 0.5
                n0, n1, n2 = e0x * u + r0 + e0z, e1x * u + r1 + e1z, e2x * u + r2 + e2z
                if n0 >= 0 and n1 >= 0 and n2 >= 0:
                    entered = True
                    depth = np.float32((n0 + n1 + n2) * scale)
                    if depth > inverse[y, x] and depth <= nearest:
                        inverse[y, x] = depth
                        triangle[y, x] = f
                elif entered:  # each edge function rises or falls along a row, also when rounded: inside is one piece
                    break


@inlined
def _box(
    points: np.ndarray, flat: np.ndarray, faces: np.ndarray, f: int, near: float, height: int, width: int
) -> tuple[int, int, int, int]:
    """Return first and last column and row that a triangle may cover; last before first where none.

    `flat` ``[V, 2]`` are the places of points in the picture.
    """
    left, right, top, bottom = np.inf, -np.inf, np.inf, -np.inf
    for turn in range(3):
        p, q = faces[f, turn], faces[f, (turn + 1) % 3]
        front = points[p, 2] >= near
        if front:
            x, y = flat[p, 0], flat[p, 1]
            left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
        if front != (points[q, 2] >= near):  # where the edge pierces the near plane
            t = (near - points[p, 2]) / (points[q, 2] - points[p, 2])
            x = (points[p, 0] + t * (points[q, 0] - points[p, 0])) / near
            y = (points[p, 1] + t * (points[q, 1] - points[p, 1])) / near
            left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
    if not (right >= 0.5 and left <= width - 0.5 and bottom >= 0.5 and top <= height - 0.5):
        return 1, 0, 1, 0
    return (
        int(np.ceil(max(left - 0.5, 0.0))), int(np.floor(min(right - 0.5, width - 1.0))),
        int(np.ceil(max(top - 0.5, 0.0))), int(np.floor(min(bottom - 0.5, height - 1.0))),
    )  # fmt: skip
