"""Normals of the corners of a surface: smooth where it bends little, sharp at creases."""

from __future__ import annotations

import numpy as np

from reverie.numerics.mesh import Mesh, face_normals

CREASE_DEG = 60.0
MANY = 32  # faces around one vertex: beyond, the comparison of all pairs costs more than it shows


def corner_normals(mesh: Mesh, crease_deg: float = CREASE_DEG) -> np.ndarray:
    """Return ``[F, 3, 3]`` float32 unit normals, those of the file where it has any.

    A corner's normal is the mean, weighted by area, of the faces around its vertex that turn from its own face by less
    than the crease angle. A vertex of more than `MANY` faces is smooth.
    Source: the rule of smoothing angles of common modeling programs; area weights as in Gouraud 1971.
    """
    if mesh.normals is not None:
        return mesh.normals
    wide = face_normals(mesh.vertices, mesh.faces)
    unit = _unit(wide)
    vertex = mesh.faces.reshape(-1)
    face = np.repeat(np.arange(len(mesh.faces)), 3)
    total = np.stack([np.bincount(vertex, wide[face, i], len(mesh.vertices)) for i in range(3)], 1)[vertex]
    count = np.bincount(vertex, minlength=len(mesh.vertices))
    # where all faces are within half the angle of the mean, all pairs are within the angle
    creased = (_unit(total) * unit[face]).sum(1) < np.cos(np.radians(crease_deg / 2))
    bent = np.bincount(vertex, creased, len(mesh.vertices)) > 0
    sharp = np.flatnonzero((count <= MANY)[vertex] & bent[vertex])
    corner, other = _pairs(vertex[sharp])
    corner, other = sharp[corner], sharp[other]
    near = (unit[face[corner]] * unit[face[other]]).sum(1) > np.cos(np.radians(crease_deg))
    corner, other = corner[near], other[near]
    sums = np.stack([np.bincount(corner, wide[face[other], i], len(vertex)) for i in range(3)], 1)
    total[sharp] = sums[sharp]
    return _unit(total, unit[face]).reshape(-1, 3, 3).astype(np.float32)


def _pairs(vertex: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all ordered pairs of entries of equal value, each with itself as well."""
    order = np.argsort(vertex, kind="stable")
    count = np.bincount(vertex)
    count = count[count > 0]
    start = np.repeat(np.cumsum(count) - count, count)
    size = np.repeat(count, count)  # of the group of each sorted entry
    first = np.repeat(np.arange(len(order)), size)
    step = np.arange(len(first)) - np.repeat(np.cumsum(size) - size, size)
    return order[first], order[np.repeat(start, size) + step]


def _unit(vectors: np.ndarray, instead: np.ndarray | None = None) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    fallback = np.broadcast_to([0.0, 1.0, 0.0], vectors.shape) if instead is None else instead
    return np.where(length > 0, vectors / np.where(length > 0, length, 1), fallback)
