"""Texture coordinates fit to paint on: those of the file where they are, else a new atlas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from reverie.errors import MeshError
from reverie.numerics.mesh import Mesh
from reverie.render.bake import texel_map

TEST_PX = 1024  # at which a layout is looked at
MOST_OVERLAP = 0.03  # of the area of a layout: rounding at its borders makes up to one percent
OUTSIDE = 1e-4  # how far beyond [0, 1] coordinates may lie
MOST_EXTENT = 1.5  # of a layout that is shrunk into the picture rather than unfolded anew
PADDING_PX = 4  # between islands, at TEST_PX
MANY_FACES = 200_000  # beyond which an atlas takes minutes


def fit_to_paint(mesh: Mesh, always_new: bool = False) -> tuple[Mesh, tuple[str, ...]]:
    """Return the mesh with texture coordinates in which no texel stands for two places, and what was done.

    Raises:
        MeshError: a new atlas is needed and cannot be made.
    """
    mesh, notes = _moved_inside(mesh)
    reason = "asked for" if always_new else why_not(mesh)
    if reason is None:
        return mesh, notes
    if len(mesh.faces) > MANY_FACES:
        raise MeshError(
            f"a mesh of {len(mesh.faces):,} triangles needs texture coordinates of its own ({reason}); "
            f"up to {MANY_FACES:,} can be unfolded here: reduce it first, or unfold it in a modeling program"
        )
    return unfolded(mesh), (f"the surface was unfolded anew: {reason}",)


def _moved_inside(mesh: Mesh) -> tuple[Mesh, tuple[str, ...]]:
    """Return the mesh with a layout that reaches a little beyond the picture shrunk into it."""
    if mesh.uv is None or mesh.face_uv is None:
        return mesh, ()
    used = mesh.uv[np.unique(mesh.face_uv)]
    low, high = used.min(0), used.max(0)
    extent = float(max(high.max(), 1.0) - min(low.min(), 0.0))
    if extent <= 1 + OUTSIDE or extent > MOST_EXTENT:
        return mesh, ()
    moved = (mesh.uv - min(low.min(), 0.0)) / extent
    return replace(mesh, uv=moved), (f"texture coordinates reached {extent:.2f} times the picture; shrunk into it",)


def why_not(mesh: Mesh) -> str | None:
    """Return why one cannot paint on the texture coordinates of a mesh; None if one can."""
    if mesh.uv is None or mesh.face_uv is None:
        return "it has no texture coordinates"
    used = mesh.uv[np.unique(mesh.face_uv)]
    if used.min() < -OUTSIDE or used.max() > 1 + OUTSIDE:
        return f"its texture coordinates reach from {used.min():.2f} to {used.max():.2f}, beyond the picture"
    a, b, c = (mesh.uv[mesh.face_uv[:, i]] for i in range(3))
    areas = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    if (areas == 0).mean() > 0.05:
        return "many of its triangles have no area in the texture"
    found = texel_map(torch.from_numpy(mesh.uv), torch.from_numpy(mesh.face_uv), (TEST_PX, TEST_PX))
    overlap = 1 - found.covered.double().mean().item() / areas.sum()
    if overlap > MOST_OVERLAP:
        return f"{100 * overlap:.0f} % of its texture stands for several places at once"
    return None


def unfolded(mesh: Mesh) -> Mesh:
    """Return the mesh with an atlas of its own.

    Raises:
        MeshError: the surface cannot be unfolded.
    """
    import xatlas

    atlas = xatlas.Atlas()
    try:
        atlas.add_mesh(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
        charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
        packing.padding, packing.resolution, packing.bilinear = PADDING_PX, TEST_PX, True
        atlas.generate(charts, packing)
        _, faces, uv = atlas[0]
    except RuntimeError as error:
        raise MeshError(f"the surface cannot be unfolded into a texture: {error}") from error
    whole = np.array([atlas.width, atlas.height], np.float64)
    scaled = uv.astype(np.float64) * whole / whole.max()  # square texels in a square texture
    return replace(mesh, uv=scaled, face_uv=faces.astype(np.int64).reshape(-1, 3))
