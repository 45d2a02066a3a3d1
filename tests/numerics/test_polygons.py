import numpy as np
import pytest

from reverie.numerics.polygons import cut

ARROW = np.array([[0, 0, 0], [2, -1, 0], [0, 2, 0], [-2, -1, 0]], float)  # dented at its first corner
STAR = np.array([[(1 + i % 2) * np.sin(-i * np.pi / 5), (1 + i % 2) * np.cos(i * np.pi / 5), 0] for i in range(10)])
TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]


@pytest.mark.parametrize("polygon", [ARROW, np.roll(ARROW, 1, 0), np.roll(ARROW, 2, 0), STAR, np.roll(STAR, 1, 0)])
@pytest.mark.parametrize("turn", [np.eye(3), TURN])
def test_triangles_of_dented_polygons_cover_them_once(polygon, turn):
    places = polygon @ turn.T
    triangles, owner = cut(np.array([len(places)]), places)
    a, b, c = (places[triangles[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a) @ turn * np.linalg.det(turn)
    following = np.roll(polygon, -1, 0)
    area = np.cross(polygon, following).sum(0)[2]
    assert (normals[:, 2] > 0).all()
    assert np.isclose(normals[:, 2].sum(), area)
    assert len(owner) == len(places) - 2


def test_many_polygons_keep_their_places_and_convex_ones_start_at_their_first_corner():
    places = np.concatenate([STAR[:3], ARROW, [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], STAR[:2]])
    triangles, owner = cut(np.array([3, 4, 4, 2]), places)
    assert owner.tolist() == [0, 1, 1, 2, 2]
    assert triangles[0].tolist() == [0, 1, 2]
    assert set(triangles[1:3].reshape(-1).tolist()) == {3, 4, 5, 6}
    assert triangles[3:].tolist() == [[7, 8, 9], [7, 9, 10]]


def test_polygons_that_cross_themselves_or_have_no_area_end():
    for places in (np.zeros((6, 3)), np.random.default_rng(0).normal(size=(30, 3)), ARROW[[0, 2, 1, 3, 0, 1]]):
        assert len(cut(np.array([len(places)]), places)[0]) == len(places) - 2
