"""Which vertices of a mesh are mirror images of each other."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from reverie.errors import MeshError

NEAR = 0.02  # of the radius: how far a mirror image may lie from its vertex
LEAST_PAIRED = 0.9


def mirror_pairs(vertices: np.ndarray, axis: int) -> np.ndarray:
    """Return ``[V]`` int64: the vertex that is nearest to the mirror image of each; a vertex alone is its own.

    Args:
        vertices: ``[V, 3]`` in the unit sphere.
        axis: 0, 1 or 2, along which it is mirrored at zero.

    Raises:
        MeshError: the mesh is not symmetric.
    """
    nearest, paired = _nearest(vertices, axis)
    if paired.mean() < LEAST_PAIRED:
        others = ["xyz"[other] for other in range(3) if _nearest(vertices, other)[1].mean() >= LEAST_PAIRED]
        raise MeshError(
            f"{100 * (1 - paired.mean()):.0f} % of the vertices have no mirror image along {'xyz'[axis]}; "
            + (f"they have along {' and '.join(others)}" if others else "nor have they along another axis")
        )
    return np.where(paired, nearest, np.arange(len(vertices)))


def _nearest(vertices: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertex nearest to the mirror image of each, and whether the two are mirror images of each other."""
    image = vertices.copy()
    image[:, axis] *= -1
    found = KDTree(vertices).query(image)
    distance, nearest = np.asarray(found[0]), np.asarray(found[1])
    mutual = nearest[nearest] == np.arange(len(vertices))
    return nearest, mutual & (distance < NEAR)
