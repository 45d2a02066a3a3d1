"""Numbers that say whether a mesh is sound: folds, slivers, and how far it has moved."""

from __future__ import annotations

import numpy as np

from reverie.numerics.mesh import Edges, face_normals

FOLD_DEG = 120.0  # between the normals of two neighbors: beyond it the surface lies back upon itself
SLIVER = 0.05  # of the quality of an equilateral triangle


def folded_fraction(vertices: np.ndarray, faces: np.ndarray, edges: Edges) -> float:
    """Return the fraction of inner edges whose two faces enclose more than `FOLD_DEG` between their normals."""
    inner = edges.faces[edges.faces[:, 1] >= 0]
    if not len(inner):
        return 0.0
    normals = face_normals(vertices, faces)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    unit = normals / np.maximum(length, 1e-30)
    cosine = (unit[inner[:, 0]] * unit[inner[:, 1]]).sum(1)
    flat = (length[inner] < 1e-14).any((1, 2))
    return float(((cosine < np.cos(np.radians(FOLD_DEG))) & ~flat).mean())


def triangle_quality(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return ``[F]``, ``4 sqrt(3) area / sum of squared sides``: 1 for an equilateral triangle, 0 for a flat one."""
    corners = vertices[faces]
    squares = sum(np.square(corners[:, i] - corners[:, (i + 1) % 3]).sum(1) for i in range(3))
    area = np.linalg.norm(face_normals(vertices, faces), axis=1) / 2
    return 4 * np.sqrt(3) * area / np.maximum(squares, 1e-30)


def sliver_fraction(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Return the fraction of triangles whose quality is below `SLIVER`."""
    return float((triangle_quality(vertices, faces) < SLIVER).mean())
