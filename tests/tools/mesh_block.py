"""A mesh on which every mistake of turn, mirror or place of a texture shows."""

from __future__ import annotations

import numpy as np

from reverie.numerics.mesh import Mesh, textured


def block() -> Mesh:
    """Return a box of three sizes whose six sides each show a whole card with four different corners."""
    card = np.full((64, 64, 3), 200, np.uint8)
    card[:32, :32], card[:32, 32:], card[32:, :32], card[32:, 32:] = (
        (220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 220, 30)
    )  # fmt: skip
    card[8:24, 10:14] = 255  # a mark that has no mirror image
    card[8:12, 10:22] = 255
    corner = np.array([[x, y, z] for x in (-1, 1) for y in (-0.8, 0.8) for z in (-0.6, 0.6)], float)
    sides = [[1, 5, 7, 3], [4, 0, 2, 6], [5, 4, 6, 7], [0, 1, 3, 2], [3, 7, 6, 2], [0, 4, 5, 1]]
    faces = np.array([triangle for a, b, c, d in sides for triangle in ((a, b, c), (a, c, d))])
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    return textured(Mesh(corner, faces), uv, np.array([[0, 1, 2], [0, 2, 3]] * 6), card)
