"""Lights follow their formulas, and normals are those of the surface."""

import math

import pytest
import torch
from shapes import sphere
from torch import Generator

from reverie.render.camera import Camera
from reverie.render.light import LIGHTS, UNLIT, Light, harmonics, vertex_normals


def test_normals_of_a_ball_point_outwards():
    vertices, faces = sphere(24)
    normals = vertex_normals(vertices, faces)
    assert ((normals * vertices).sum(1) > 0.999).all()
    assert torch.allclose(normals.norm(dim=1), torch.ones(len(vertices), dtype=torch.float64))


def test_brightness_is_the_cosine_of_each_lamp():
    normals = torch.tensor([[0.0, 0, 1], [0, 1, 0], [0, math.sqrt(0.5), math.sqrt(0.5)]], dtype=torch.float64)
    camera = Camera(0, 0, 3)
    assert torch.allclose(UNLIT.brightness(normals, camera), torch.ones(3, 1, dtype=torch.float64))
    head = Light(0.2, head=0.5).brightness(normals, camera)[:, 0]
    assert head.tolist() == pytest.approx([0.7, 0.2, 0.2 + 0.5 * math.sqrt(0.5)])
    lamp = Light(0.1, lamp=0.6, toward=(0, 1, 0)).brightness(normals, camera)[:, 0]
    assert lamp.tolist() == pytest.approx([0.1, 0.7, 0.1 + 0.6 * math.sqrt(0.5)])


def test_the_side_that_is_seen_is_lit():
    camera = Camera(0, 0, 3)
    one, other = torch.tensor([[0.0, 0.3, 0.9]]), torch.tensor([[0.0, -0.3, -0.9]])
    light = LIGHTS["sky"](Generator())
    assert torch.allclose(light.brightness(one, camera), light.brightness(other, camera))


def test_harmonics_are_orthogonal_over_the_ball():
    vertices, _ = sphere(64)
    weight = (1 - vertices[:, 1] ** 2).clamp_min(0).sqrt()  # area of a patch of the grid
    found = harmonics(vertices)
    gram = torch.einsum("n,ni,nj->ij", weight, found, found)
    size = gram.diagonal().sqrt()
    assert (gram / torch.outer(size, size) - torch.eye(9)).abs().max() < 0.01


@pytest.mark.parametrize("name", sorted(LIGHTS))
def test_brightness_stays_within_bounds_and_passes_gradcheck(name):
    generator = Generator().manual_seed(0)
    light = LIGHTS[name](generator)
    normals = torch.nn.functional.normalize(torch.randn(50, 3, dtype=torch.float64, generator=generator), dim=1)
    found = light.brightness(normals, Camera(20, 30, 3))
    assert found.min() > 0.1
    assert found.max() < 1.4
    few = normals[:5].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda n: light.brightness(n, Camera(20, 30, 3)), few)
