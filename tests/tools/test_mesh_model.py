"""A mesh made ready: its own look on a new texture, and what cannot be worked on is refused in one line."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.errors import MeshError
from reverie.numerics.mesh import Material, Mesh
from reverie.tools.mesh.model import as_picture, fine_enough, open_model
from reverie.tools.mesh_fit.find_camera import found_camera, overlap, pyramid_distance

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere

from reverie.render.camera import Camera
from reverie.render.silhouette import silhouette

QUAD = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])
CARD = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)  # row 0 on top


def test_an_asymmetric_card_keeps_its_corners():
    uv = QUAD[:, :2] / 2 + 0.5
    mesh = Mesh(QUAD, FACES, uv, FACES, (Material("card", (1, 1, 1), CARD.repeat(16, 0).repeat(16, 1)),))
    for unfold in (False, True):
        model = open_model(mesh, unfold)
        texels = model.texels(128)
        look, places = model.look(texels)[0], model.positions(texels)
        for corner, color in (((-0.5, 0.5), CARD[0, 0]), ((0.5, 0.5), CARD[0, 1]), ((-0.5, -0.5), CARD[1, 0])):
            way = (places[..., :2] - torch.tensor(corner)).norm(dim=-1)
            way[~texels.covered] = 9
            row, column = divmod(int(way.argmin()), 128)
            assert torch.allclose(look[:, row, column] * 255, torch.tensor(color).float(), atol=1)


def test_colors_of_vertices_and_of_materials_are_the_look():
    vertices, faces = (t.numpy() for t in sphere(6))
    model = open_model(Mesh(vertices, faces, colors=vertices * 0.4 + 0.5))
    texels = model.texels(64)
    wanted = model.positions(texels) * 0.4 + 0.5
    assert (model.look(texels)[0].permute(1, 2, 0) - wanted)[texels.covered].abs().max() < 0.01
    plain = open_model(Mesh(vertices, faces))
    assert as_picture(plain.look(plain.texels(64))).std() == 0


def test_parts_too_far_apart_are_refused():
    far = QUAD + np.array([1e7, 0, 0])
    with pytest.raises(MeshError, match="too small to be seen"):
        open_model(Mesh(np.concatenate([QUAD, far]), np.concatenate([FACES, FACES + 4])))


def test_coarse_meshes_are_cut_up_and_fine_ones_are_not():
    coarse, fine = (Mesh(*(t.numpy() for t in sphere(rings))) for rings in (4, 40))
    assert fine_enough(fine, 256) == (fine, ())
    found, notes = fine_enough(coarse, 256)
    assert len(found.faces) == 4**4 * len(coarse.faces)
    assert "cut up" in notes[0]


@pytest.mark.slow
@pytest.mark.real
def test_the_camera_of_a_silhouette_is_found():
    vertices, faces = sphere(14, radius=0.8, bumps=0.25)
    vertices = vertices * torch.tensor([1.0, 0.7, 0.5])
    model = open_model(Mesh(vertices.numpy(), faces.numpy()))
    surface, hidden = model.surface, Camera(77, 28, 3.7, (0.1, -0.05, 0.0))
    size = (128, 128)
    matrix = hidden.matrix(size)
    mask = silhouette(surface.vertices.float(), surface.faces, surface.edges, matrix, size, hidden.near)
    _, grade = found_camera(surface, mask)
    assert grade > 0.985


def test_overlap_and_pyramid_distance():
    one, two = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    one[..., :8, :8], two[..., :8, 4:12] = 1, 1
    assert overlap(one, two) == pytest.approx(1 / 3)
    near = pyramid_distance(one, two)
    two = two.roll(12, -1)
    assert pyramid_distance(one, two) > near > pyramid_distance(one, one) == 0
