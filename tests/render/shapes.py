"""Meshes made by formulas, for the tests of the renderer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from reverie.numerics.mesh import edges_of
from reverie.render.outline import EdgeTable


def sphere(rings: int = 24, radius: float = 1.0, bumps: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return (vertices, faces) of a closed ball of `rings` x 2 `rings` patches, radius changed by smooth bumps."""
    theta = np.linspace(0, np.pi, rings + 1)[1:-1]
    phi = np.arange(2 * rings) * np.pi / rings
    grid = np.stack(np.meshgrid(theta, phi, indexing="ij"), -1).reshape(-1, 2)
    t, p = grid[:, 0], grid[:, 1]
    r = radius * (1 + bumps * np.sin(3 * p) * np.sin(t) ** 3 + bumps * np.cos(4 * t))
    ball = np.stack([r * np.sin(t) * np.cos(p), r * np.cos(t), r * np.sin(t) * np.sin(p)], 1)
    vertices = np.concatenate([ball, [[0, radius * (1 + bumps), 0], [0, -radius * (1 + bumps), 0]]])
    wide, north, south = 2 * rings, len(ball), len(ball) + 1
    faces = []
    for j in range(wide):
        k = (j + 1) % wide
        faces += [(north, k, j), (south, (rings - 2) * wide + j, (rings - 2) * wide + k)]
        for i in range(rings - 2):
            a, b, c, d = i * wide + j, i * wide + k, (i + 1) * wide + j, (i + 1) * wide + k
            faces += [(a, b, c), (b, d, c)]
    return torch.tensor(vertices), torch.tensor(faces)


def table(faces: Tensor) -> EdgeTable:
    edges = edges_of(faces.numpy())
    return EdgeTable(torch.from_numpy(edges.ends), torch.from_numpy(edges.opposite))
