"""From what a file says to a mesh that can be worked with: checked, repaired, and told what was done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reverie.errors import MeshError
from reverie.numerics.mesh import Mesh, distinct, face_normals, placed, welded

FARTHEST_UV = 1e6  # pictures: beyond, single precision knows no texels any more
FARTHEST = 1e18  # squares of coordinates must fit into single precision, which graphics cards count in


def repaired(mesh: Mesh, name: str) -> Mesh:
    """Return a mesh with one vertex per position, without triangles of no area and without unused vertices.

    Args:
        mesh: as a file has it: indices perhaps out of range, vertices perhaps several times.
        name: of the file, for messages.

    Raises:
        MeshError: no faces; a coordinate that is infinite, not a number or astronomic; a face that points nowhere.
    """
    if not len(mesh.faces):
        raise MeshError(f"'{name}' has no faces; expected triangles or polygons")
    check_index(mesh.faces, len(mesh.vertices), "vertex", name)
    if mesh.uv is not None and mesh.face_uv is not None:
        check_index(mesh.face_uv, len(mesh.uv), "texture coordinate", name)
    _check_numbers(mesh, name)
    notes = list(mesh.notes)
    single = _used(welded(mesh))
    if mesh.colors is not None and single.colors is not None and _lost_colors(mesh, single):
        notes.append("vertices at one place had several colors; the first is kept")
    whole = _with_area(single, notes)
    if not len(whole.faces):
        raise MeshError(f"'{name}' has no triangle with an area")
    return _inside(replace(_used(whole), notes=tuple(notes)))


def check_index(index: np.ndarray, count: int, what: str, name: str) -> None:
    """Refuse faces that point nowhere.

    Raises:
        MeshError: names the first.
    """
    wrong = index[(index < 0) | (index >= count)]
    if len(wrong):
        raise MeshError(f"'{name}' has a face with {what} {wrong[0] + 1}; there are {count}")


def _check_numbers(mesh: Mesh, name: str) -> None:
    used = mesh.vertices[mesh.faces]
    if not np.isfinite(used).all():
        raise MeshError(f"'{name}' has coordinates that are infinite or not a number; repair the mesh first")
    if np.abs(used).max() > FARTHEST:
        raise MeshError(f"'{name}' has coordinates beyond {FARTHEST:g}; scale the mesh first")
    if mesh.uv is None or mesh.face_uv is None:
        return
    uv = mesh.uv[mesh.face_uv]
    if not np.isfinite(uv).all():
        raise MeshError(f"'{name}' has texture coordinates that are infinite or not a number; repair the mesh first")
    if np.abs(uv).max() > FARTHEST_UV:
        raise MeshError(f"'{name}' has texture coordinates beyond {FARTHEST_UV:g}; repair the mesh first")


def _used(mesh: Mesh) -> Mesh:
    """Return the mesh without vertices and texture coordinates that no face names."""
    kept, faces = _renumbered(mesh.faces)
    colors = None if mesh.colors is None else mesh.colors[kept]
    way = tuple(shape[kept] for shape in mesh.way if np.isfinite(shape[kept]).all())
    mesh = replace(mesh, vertices=mesh.vertices[kept], faces=faces, colors=colors, way=way)
    if mesh.uv is None or mesh.face_uv is None:
        return mesh
    kept, face_uv = _renumbered(mesh.face_uv)
    return replace(mesh, uv=mesh.uv[kept], face_uv=face_uv)


def _renumbered(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept, inverse = np.unique(index, return_inverse=True)
    return kept, inverse.reshape(index.shape)


def _lost_colors(mesh: Mesh, single: Mesh) -> bool:
    before, after = mesh.colors, single.colors
    assert before is not None
    assert after is not None
    return not np.array_equal(before[mesh.faces], after[single.faces])


def _with_area(mesh: Mesh, notes: list[str]) -> Mesh:
    unit, _ = placed(mesh)
    good = np.any(face_normals(unit.vertices, unit.faces) != 0, axis=1)
    count = int((~good).sum())
    if not count:
        return mesh
    notes.append(f"{count:,} triangles without area were left out")
    return replace(
        mesh, faces=mesh.faces[good],
        face_uv=None if mesh.face_uv is None else mesh.face_uv[good],
        face_material=None if mesh.face_material is None else mesh.face_material[good],
        normals=_normals(mesh.normals, good),
    )  # fmt: skip


def _normals(normals: np.ndarray | None, good: np.ndarray) -> np.ndarray | None:
    return None if normals is None else normals[good]


def _inside(mesh: Mesh) -> Mesh:
    """Return the mesh with texture coordinates of whole triangles moved by whole pictures into [0, 1]."""
    if mesh.uv is None or mesh.face_uv is None or (mesh.uv.min() >= 0 and mesh.uv.max() <= 1):
        return mesh
    corners = mesh.uv[mesh.face_uv]
    shift = np.floor(corners.min(1))
    fits = (corners.max(1) - shift <= 1).all(1) & (shift != 0).any(1)
    if not fits.any():
        return _noted(mesh)
    values = np.concatenate([mesh.uv, (corners - shift[:, None])[fits].reshape(-1, 2)])
    face_uv = mesh.face_uv.copy()
    face_uv[fits] = len(mesh.uv) + np.arange(3 * int(fits.sum())).reshape(-1, 3)
    flat = values[face_uv].reshape(-1, 2)
    first, inverse = distinct(list(flat.T))
    return _noted(replace(mesh, uv=flat[first], face_uv=inverse.reshape(-1, 3)))


def _noted(mesh: Mesh) -> Mesh:
    assert mesh.uv is not None
    assert mesh.face_uv is not None
    outside = np.any((mesh.uv < 0) | (mesh.uv > 1), axis=1)
    count = int(outside[mesh.face_uv].any(1).sum())
    if not count:
        return mesh
    line = f"{count:,} triangles reach beyond the picture with their texture coordinates, where it is repeated"
    return replace(mesh, notes=(*mesh.notes, line))
