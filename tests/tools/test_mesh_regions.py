"""Parts of a mesh: read from texts, found by material or mask, and left alone where asked for."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.errors import InputError
from reverie.jobs.key_values import inside
from reverie.media.image import Picture
from reverie.numerics.mesh import Material, Mesh
from reverie.tools.mesh.model import open_model
from reverie.tools.mesh_style.areas import RegionPictures, areas_of, free_part
from reverie.tools.mesh_style.regions import MeshRegion

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere

STYLE = (torch.rand(1, 3, 8, 8),)


def two_halves() -> Mesh:
    vertices, faces = (t.numpy() for t in sphere(8))
    upper = (vertices[faces].mean(1)[:, 1] > 0).astype(np.int64)
    return Mesh(vertices, faces, materials=(Material("lower"), Material("upper")), face_material=upper)


def test_texts_round_trip_and_name_their_files():
    text = "material=eyes,style=a.jpg+b.jpg,strength=0.8"
    assert MeshRegion.parse(text) == MeshRegion("eyes", None, ("a.jpg", "b.jpg"), 0.8)
    assert str(MeshRegion.parse(text)) == text
    found = []
    assert (
        inside(MeshRegion)("mask=x/m.png,keep=1", lambda kind, path: found.append((kind, path)) or "m.png")
        == "mask=m.png,keep=1"
    )
    assert found == [("mask", "x/m.png")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eyes", "must look like"),
        ("material=a,mask=b.png,keep=1", "one of them"),
        ("material=a", "say what happens"),
        ("material=a,keep=1,strength=0.5", "say what happens"),
        ("material=a,strength=2", "from 0 to 1"),
        ("part=a,keep=1", "no key called"),
    ],
)
def test_bad_texts_are_one_line(text, said):
    with pytest.raises(InputError, match=said):
        MeshRegion.parse(text)


def test_a_material_is_its_half_of_the_surface_and_the_rest_is_the_other():
    model = open_model(two_halves())
    texels = model.texels(128)
    region = RegionPictures(MeshRegion.parse("material=upper,keep=1"), None, ())
    areas = areas_of(model, texels, [region], STYLE, 0.7)
    height = model.positions(texels)[..., 1]
    assert [bool(area.styles) for area in areas] == [False, True]
    assert (height[areas[0].mask > 0] > -0.05).all()
    assert torch.equal(areas[0].mask + areas[1].mask, texels.covered.float())
    assert torch.equal(free_part(areas), areas[1].mask)
    with pytest.raises(InputError, match="no material called 'uper'; nearest: upper"):
        areas_of(model, texels, [RegionPictures(MeshRegion.parse("material=uper,keep=1"), None, ())], STYLE, 0.7)


def test_a_mask_lies_on_the_coordinates_of_the_file():
    vertices = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    mesh = Mesh(vertices, faces, vertices[:, :2] / 2 + 0.5, faces)
    white = np.zeros((8, 8, 3), np.float32)
    white[:2] = 1  # the upper quarter of the picture
    region = RegionPictures(MeshRegion.parse("mask=m.png,strength=1"), Picture(white, None, 8, "", "m.png"), ())
    model = open_model(mesh)
    texels = model.texels(64)
    area = areas_of(model, texels, [region], STYLE, 0.5)[0]
    assert area.strength == 1
    assert area.mask.mean().item() == pytest.approx(0.25, abs=0.01)
    assert area.mask[:8].min() == 1
    assert (model.positions(texels)[area.mask > 0.9][:, 1] > 0).all()
