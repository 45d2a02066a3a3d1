"""The silhouette of a mesh as a camera sees it, with a gradient to the vertices and to the camera."""

from __future__ import annotations

from torch import Tensor

from reverie.render.camera import project
from reverie.render.outline import EdgeTable, find_crossings
from reverie.render.raster import raster


def silhouette(
    vertices: Tensor, faces: Tensor, edges: EdgeTable, matrix: Tensor, size: tuple[int, int], near: float
) -> Tensor:
    """Return ``[1, H, W]``, 1 where the mesh is, with smooth borders; differentiable in `vertices` and `matrix`.

    Args:
        vertices: ``[V, 3]``, one per position.
        faces: ``[F, 3]`` int64.
        edges: of `faces`.
        matrix: ``[3, 4]`` of `reverie.render.camera`.
        size: ``(H, W)``.
        near: least depth that is seen.
    """
    points = project(vertices, matrix)
    triangle, inverse = raster(points, faces, size, near)
    mask = (triangle >= 0).to(vertices)[..., None]
    return find_crossings(points, edges, triangle, inverse, near).smooth(mask).permute(2, 0, 1)
