"""Make the mesh that the package ships as an example: a small dragon of smoothly joined capsules.

python examples/make_example_mesh.py src/reverie/tools/mesh_dream/example.glb
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from reverie.jobs.output import Mesh as MeshOutput
from reverie.numerics.mesh import Mesh, welded

CELLS = 56
SMOOTH = 0.06  # how softly parts are joined
# capsules: from, to, radius at both ends
BODY = [
    ((0, 0.02, -0.30), (0, 0.05, 0.22), 0.26, 0.22), ((0, 0.10, 0.25), (0, 0.55, 0.42), 0.15, 0.11),
    ((0, 0.58, 0.40), (0, 0.60, 0.52), 0.19, 0.17), ((0, 0.54, 0.56), (0, 0.50, 0.74), 0.12, 0.09),
    ((0, 0.00, -0.42), (0, -0.16, -0.72), 0.17, 0.10), ((0, -0.16, -0.72), (0, -0.02, -1.00), 0.10, 0.04),
]  # fmt: skip
PAIRS = [  # on both sides
    ((0.17, -0.05, 0.20), (0.21, -0.42, 0.24), 0.13, 0.10), ((0.21, -0.42, 0.24), (0.21, -0.45, 0.34), 0.10, 0.09),
    ((0.19, -0.05, -0.28), (0.24, -0.42, -0.28), 0.17, 0.11), ((0.24, -0.42, -0.28), (0.24, -0.45, -0.16), 0.11, 0.09),
    ((0.09, 0.72, 0.38), (0.17, 0.92, 0.26), 0.07, 0.035), ((0.10, 0.66, 0.53), (0.13, 0.69, 0.57), 0.075, 0.07),
]  # fmt: skip
SPIKES = [((0, y, z), (0, y + h, z - 0.04), 0.07, 0.03) for y, z, h in (
    (0.72, 0.30, 0.12), (0.50, 0.26, 0.13), (0.30, 0.06, 0.15), (0.30, -0.16, 0.15), (0.24, -0.36, 0.14),
    (0.06, -0.58, 0.12), (-0.04, -0.78, 0.09),
)]  # fmt: skip


def capsule(points: np.ndarray, part: tuple) -> np.ndarray:
    """Return the distance of points to a capsule whose radius changes along it."""
    a, b = np.array(part[0], float), np.array(part[1], float)
    along = np.clip(((points - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
    radius = part[2] + (part[3] - part[2]) * along
    return np.linalg.norm(points - a - along[..., None] * (b - a), axis=-1) - radius


def joined(one: np.ndarray, two: np.ndarray, soft: float) -> np.ndarray:
    """Return the smooth minimum of two distances."""
    blend = np.clip(0.5 + 0.5 * (two - one) / soft, 0, 1)
    return two + (one - two) * blend - soft * blend * (1 - blend)


def distance(points: np.ndarray) -> np.ndarray:
    """Return the distance of points ``[..., 3]`` to the dragon, negative inside."""
    folded = points * 1.0
    folded[..., 0] = np.abs(folded[..., 0])
    total = capsule(points, BODY[0])
    for part in BODY[1:]:
        total = joined(total, capsule(points, part), SMOOTH * 1.5)
    for part in PAIRS:
        total = joined(total, capsule(folded, part), SMOOTH)
    for part in SPIKES:
        total = joined(total, capsule(points, part), SMOOTH / 2)
    return total


def surface_nets(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (vertices in cells, triangles) of the zero level: one vertex in each cell that it passes through.

    Source: Gibson 1998, "Constrained elastic surface nets".
    """
    shape = np.array(field.shape) - 1
    corners = [np.array([i, j, k]) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    values = np.stack([field[c[0] : c[0] + shape[0], c[1] : c[1] + shape[1], c[2] : c[2] + shape[2]] for c in corners])
    active = ((values < 0).any(0)) & ((values >= 0).any(0))
    cells = np.argwhere(active)
    own = values[:, active]
    total, count = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for p in range(8):
        for q in range(p + 1, 8):
            if np.abs(corners[p] - corners[q]).sum() != 1:
                continue
            crosses = (own[p] < 0) != (own[q] < 0)
            t = np.where(crosses, own[p] / np.where(crosses, own[p] - own[q], 1), 0)
            total += crosses[:, None] * (corners[p] + t[:, None] * (corners[q] - corners[p]))
            count += crosses
    number = np.full(shape, -1)
    number[active] = np.arange(len(cells))
    faces = []
    for axis in range(3):
        step = np.eye(3, dtype=int)[axis]
        one, two = np.eye(3, dtype=int)[(axis + 1) % 3], np.eye(3, dtype=int)[(axis + 2) % 3]
        at = np.argwhere(np.ones(shape, bool))
        at = at[(at[:, (axis + 1) % 3] > 0) & (at[:, (axis + 2) % 3] > 0)]
        here, there = field[tuple(at.T)], field[tuple((at + step).T)]
        for sign, chosen in ((1, (here < 0) & (there >= 0)), (-1, (here >= 0) & (there < 0))):
            base = at[chosen]
            quad = [number[tuple((base - d).T)] for d in (np.zeros(3, int), one, one + two, two)]
            quad = quad if sign > 0 else quad[::-1]
            faces += [np.stack([quad[0], quad[1], quad[2]], 1), np.stack([quad[0], quad[2], quad[3]], 1)]
    return cells + total / count[:, None], np.concatenate(faces)


def dragon() -> Mesh:
    """Return the mesh, with colors of its vertices."""
    line = np.linspace(-1.1, 1.1, CELLS + 1)
    grid = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1)
    places, faces = surface_nets(distance(grid))
    vertices = places / CELLS * 2.2 - 1.1
    step = 1e-4
    slope = np.stack([distance(vertices + step * e) - distance(vertices - step * e) for e in np.eye(3)], 1)
    up = (slope / np.linalg.norm(slope, axis=1, keepdims=True))[:, 1]
    back, belly, spike = np.array([0.30, 0.55, 0.50]), np.array([0.92, 0.84, 0.62]), np.array([0.83, 0.45, 0.28])
    low = np.clip(0.5 - 1.2 * up, 0, 1)[:, None]
    colors = back * (1 - low) + belly * low
    ridge = np.min([capsule(vertices, part) for part in SPIKES], 0)
    folded = np.abs(vertices) * [1, 0, 0] + vertices * [0, 1, 1]
    near = np.exp(-np.maximum(np.minimum(ridge, capsule(folded, PAIRS[4])), 0) / 0.02)[:, None]
    colors = colors * (1 - near) + spike * near
    dark = np.clip((0.055 - np.linalg.norm(folded - [0.17, 0.71, 0.61], axis=1)) / 0.02 + 0.5, 0, 1)[:, None]
    colors = colors * (1 - dark) + np.array([0.08, 0.07, 0.10]) * dark
    return welded(Mesh(vertices, faces, colors=np.round(colors, 3), name="dragon"))


if __name__ == "__main__":
    mesh = dragon()
    print(f"{len(mesh.vertices)} vertices, {len(mesh.faces)} triangles")
    MeshOutput(mesh).write(Path(sys.argv[1]), {}, 92)
