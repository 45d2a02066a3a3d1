"""Triangles small enough for a shape to bend."""

from __future__ import annotations

from reverie.numerics.mesh import Mesh, placed
from reverie.numerics.subdivide import mean_edge, subdivided
from reverie.render.camera import MARGIN

COARSE_PX, MOST_FACES = 10.0, 40_000  # triangles with longer sides are cut up, up to that many


def fine_enough(mesh: Mesh, size_px: int) -> tuple[Mesh, tuple[str, ...]]:
    """Return the mesh with triangles whose sides are short in pictures of a size, and what was done."""
    edge_px = mean_edge(mesh.vertices, mesh.faces) / placed(mesh)[1].radius * size_px / 2 / MARGIN
    before = len(mesh.faces)
    while edge_px > COARSE_PX and 4 * len(mesh.faces) <= MOST_FACES:
        mesh, edge_px = subdivided(mesh), edge_px / 2
    if len(mesh.faces) == before:
        return mesh, ()
    return mesh, (f"triangles were cut up, from {before:,} to {len(mesh.faces):,}, so that the shape can bend",)
