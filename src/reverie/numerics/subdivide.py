"""Finer triangles for the same surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reverie.numerics.mesh import Mesh


def subdivided(mesh: Mesh) -> Mesh:
    """Return the mesh with every triangle cut into four at the middles of its sides; the surface stays the same."""
    middles, inverse = _middles(mesh.faces, len(mesh.vertices))
    vertices = np.concatenate([mesh.vertices, mesh.vertices[middles].mean(1)])
    faces = _four(mesh.faces, inverse)
    colors = None if mesh.colors is None else np.concatenate([mesh.colors, mesh.colors[middles].mean(1)])
    uv, face_uv = mesh.uv, mesh.face_uv
    if uv is not None and face_uv is not None:
        between, own = _middles(face_uv, len(uv))
        uv, face_uv = np.concatenate([uv, uv[between].mean(1)]), _four(face_uv, own)
    material = None if mesh.face_material is None else np.tile(mesh.face_material, 4)
    return replace(
        mesh, vertices=vertices, faces=faces, colors=colors, uv=uv, face_uv=face_uv, face_material=material,
        normals=None,
    )  # fmt: skip


def mean_edge(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Return the mean length of the sides of all triangles."""
    corners = vertices[faces]
    return float(np.mean([np.linalg.norm(corners[:, i] - corners[:, (i + 1) % 3], axis=1).mean() for i in range(3)]))


def _middles(faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends ``[M, 2]`` of all different sides, and ``[3, F]``: the number that each middle gets."""
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    ends, inverse = np.unique(sides, axis=0, return_inverse=True)
    return ends, inverse.reshape(3, len(faces)) + count


def _four(faces: np.ndarray, middles: np.ndarray) -> np.ndarray:
    a, b, c = faces.T
    ab, bc, ca = middles
    return np.concatenate([np.stack(part, 1) for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
