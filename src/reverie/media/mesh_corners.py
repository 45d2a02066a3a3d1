"""Corners of a mesh as graphics cards and most files count them: position, texture coordinate and normal in one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reverie.numerics.mesh import Mesh, distinct
from reverie.numerics.mesh_normals import corner_normals


@dataclass(frozen=True, eq=False)
class Corners:
    """Corners ``[N]`` of some faces, each once.

    Attributes:
        vertex: ``[N]`` into the mesh's vertices.
        uv: ``[N, 2]``, or None.
        normal: ``[N, 3]`` float32.
        faces: ``[F, 3]`` into the corners.
        first: ``[N]``, one place among the ``3 F`` corners of the faces where each stands.
    """

    vertex: np.ndarray
    uv: np.ndarray | None
    normal: np.ndarray
    faces: np.ndarray
    first: np.ndarray


def corners_of(mesh: Mesh, chosen: np.ndarray | None = None, normals: np.ndarray | None = None) -> Corners:
    """Return the corners of a mesh's faces.

    Args:
        mesh: the mesh.
        chosen: ``[K]`` faces; all if absent.
        normals: of `corner_normals`, if they are known.
    """
    normals = corner_normals(mesh) if normals is None else normals
    chosen = np.arange(len(mesh.faces)) if chosen is None else chosen
    vertex, normal = mesh.faces[chosen].reshape(-1), normals[chosen].reshape(-1, 3)
    x, y, z = (np.round(normal * 32767).astype(np.int64) + 32768).T
    keys = [vertex, (x << 32) | (y << 16) | z]
    if mesh.face_uv is not None:
        keys.append(mesh.face_uv[chosen].reshape(-1))
    first, inverse = distinct(keys)
    uv = None
    if mesh.uv is not None and mesh.face_uv is not None:
        uv = mesh.uv[keys[2][first]]
    return Corners(vertex[first], uv, normal[first], inverse.reshape(-1, 3), first)
