"""What people are shown: texels where they belong, materials, colors, light."""

import numpy as np
import pytest

from reverie.numerics.mesh import Material, Mesh, textured
from reverie.render.camera import Camera
from reverie.render.show import AROUND, LAMP, LAMP_DIRECTION, Shown

SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
FACES = np.array([[0, 1, 2], [0, 2, 3]])
UV = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
CARD = np.zeros((2, 2, 3), np.uint8)
CARD[0, 0], CARD[0, 1], CARD[1, 0], CARD[1, 1] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
FRONT = Camera(azimuth_deg=0, elevation_deg=0, distance=4, fov_deg=40)


def corners(picture: np.ndarray) -> list[list[int]]:
    """Return the colors near the corners of the square, from the upper left row by row."""
    return [picture[y, x].tolist() for y in (22, 42) for x in (22, 42)]


def test_the_first_row_of_a_picture_is_on_top_and_its_first_column_at_the_left():
    picture = Shown(textured(Mesh(SQUARE, FACES), UV, FACES, CARD.repeat(8, 0).repeat(8, 1))).picture(FRONT, (64, 64))
    assert corners(picture) == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]]


def test_a_picture_repeats_or_its_border_goes_on():
    large = CARD.repeat(16, 0).repeat(16, 1)
    clamped = textured(Mesh(SQUARE, FACES), UV + 1, FACES, large)
    assert corners(Shown(clamped).picture(FRONT, (64, 64))) == [[0, 255, 0]] * 4
    repeating = Mesh(SQUARE, FACES, UV + 1, FACES, (Material("a", (1, 1, 1), large, True, True),))
    assert corners(Shown(repeating).picture(FRONT, (64, 64)))[0] == [255, 0, 0]


def test_light_is_that_of_the_formula_on_both_sides():
    mesh = Mesh(SQUARE, FACES, materials=(Material("a", (1.0, 1.0, 1.0)),))
    cosine = LAMP_DIRECTION[2] / np.linalg.norm(LAMP_DIRECTION)
    linear = AROUND + LAMP * cosine
    wanted = 255 * (1.055 * min(linear, 1) ** (1 / 2.4) - 0.055)
    for azimuth in (0, 180):
        picture = Shown(mesh).picture(Camera(azimuth, 0, 4, fov_deg=40), (64, 64))
        assert abs(int(picture[32, 32, 0]) - wanted) <= 1
    grey = Mesh(SQUARE, FACES, materials=(Material("a", (0.5, 0.5, 0.5), unlit=True),))
    assert Shown(grey).picture(FRONT, (64, 64))[32, 32].tolist() == [128] * 3


def test_colors_of_vertices_and_several_materials():
    colors = np.array([[1, 0, 0]] * 4, float)
    mesh = Mesh(
        SQUARE, FACES, materials=(Material("a", (1, 1, 1), unlit=True), Material("b", (0, 0, 0), unlit=True)),
        face_material=np.array([0, 1]), colors=colors,
    )  # fmt: skip
    picture = Shown(mesh).picture(FRONT, (64, 64), background=(0, 0, 1))
    assert picture[45, 45].tolist() == [255, 0, 0]
    assert picture[18, 18].tolist() == [0, 0, 0]
    assert picture[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_size_and_place_of_a_mesh_do_not_matter(scale):
    one, other = (Shown(Mesh(SQUARE * s + s, FACES)).picture(FRONT, (48, 48)) for s in (1.0, scale))
    assert np.abs(one.astype(int) - other).max() <= 1
