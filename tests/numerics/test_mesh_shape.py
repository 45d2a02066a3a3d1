"""Subdivision keeps the surface; folds, slivers and mirror images are what they are called."""

import numpy as np
import pytest

from reverie.errors import MeshError
from reverie.numerics.mesh import Mesh, edges_of, face_normals
from reverie.numerics.mesh_mirror import mirror_pairs
from reverie.numerics.mesh_quality import folded_fraction, sliver_fraction, triangle_quality
from reverie.numerics.subdivide import mean_edge, subdivided

TETRAHEDRON = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
SIDES = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


def area(mesh):
    return np.linalg.norm(face_normals(mesh.vertices, mesh.faces), axis=1).sum() / 2


def test_four_triangles_for_one_and_the_same_surface():
    mesh = Mesh(TETRAHEDRON, SIDES, TETRAHEDRON[:, :2] / 2 + 0.5, SIDES, face_material=np.arange(4))
    fine = subdivided(subdivided(mesh))
    assert len(fine.faces) == 64
    assert len(fine.vertices) == 34  # Euler: V = 2 + F / 2
    assert area(fine) == pytest.approx(area(mesh))
    assert mean_edge(fine.vertices, fine.faces) == pytest.approx(mean_edge(TETRAHEDRON, SIDES) / 4)
    assert (edges_of(fine.faces).faces >= 0).all()  # closed
    assert np.allclose(fine.uv[fine.face_uv], fine.vertices[fine.faces][..., :2] / 2 + 0.5)
    assert np.bincount(fine.face_material).tolist() == [16] * 4
    assert np.allclose(  # all still face outwards
        np.sign((face_normals(fine.vertices, fine.faces) * fine.vertices[fine.faces].mean(1)).sum(1)),
        np.sign((face_normals(TETRAHEDRON, SIDES) * TETRAHEDRON[SIDES].mean(1)).sum(1)[0]),
    )


def test_a_page_turned_over_is_a_fold():
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    faces = np.array([[0, 1, 2], [2, 1, 3]])
    assert folded_fraction(flat, faces, edges_of(faces)) == 0
    turned = flat.copy()
    turned[3] = [0.1, 0.1, 0.05]
    assert folded_fraction(turned, faces, edges_of(faces)) == 1


def test_quality_is_one_for_an_equilateral_triangle_and_falls_to_zero():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0], [0.5, 1e-3, 0]])
    faces = np.array([[0, 1, 2], [0, 1, 3]])
    assert triangle_quality(corners, faces) == pytest.approx([1, 0], abs=5e-3)
    assert sliver_fraction(corners, faces) == 0.5


def test_mirror_images_are_found_and_a_lopsided_mesh_is_refused():
    half = np.random.default_rng(0).uniform(0.1, 0.7, (40, 3))
    both = np.concatenate([half, half * [-1, 1, 1]])
    pairs = mirror_pairs(both, 0)
    assert np.array_equal(pairs, np.concatenate([np.arange(40, 80), np.arange(40)]))
    with pytest.raises(MeshError, match="no mirror image along z; they have along x"):
        mirror_pairs(both, 2)
