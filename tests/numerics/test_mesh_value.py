import numpy as np

from reverie.numerics.mesh import Mesh, distinct, face_normals
from reverie.numerics.mesh_normals import corner_normals


def test_distinct_rows_are_those_of_numpy():
    rows = np.random.default_rng(0).integers(0, 4, (200, 3)).astype(float)
    rows[rows == 0] *= -1  # minus zero is zero
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    found = distinct(list(rows.T))
    assert np.array_equal(found[0], first)
    assert np.array_equal(found[1], inverse.reshape(-1))


def test_normals_at_creases_equal_the_comparison_of_all_pairs():
    rng = np.random.default_rng(0)
    faces = np.array([[0, i, i % 6 + 1] for i in range(1, 7)])  # a fan around vertex 0
    for bend in (0.05, 0.6, 2.0):
        vertices = np.concatenate([[[0, 0, bend]], [[np.cos(a), np.sin(a), bend * rng.normal() / 3]
                                                    for a in np.arange(6) * np.pi / 3]])  # fmt: skip
        wide = face_normals(vertices, faces)
        unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
        for face in range(6):
            near = [wide[other] for other in range(6) if unit[face] @ unit[other] > np.cos(np.pi / 3)]
            wanted = np.sum(near, 0) / np.linalg.norm(np.sum(near, 0))
            assert np.allclose(corner_normals(Mesh(vertices, faces))[face, 0], wanted, atol=1e-6)
