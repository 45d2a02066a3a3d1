"""A lit, textured, moving mesh: its picture, its mask and its gradients."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere, table

from reverie.canvas.mesh import MeshCanvas, Shape
from reverie.render.camera import Camera
from reverie.render.light import Light
from reverie.render.mips import plan_mips
from reverie.render.surface import Surface


class Fixed(nn.Module):
    def __init__(self, image):
        super().__init__()
        self.image, self.size = nn.Parameter(image), image.shape[-2:]

    def forward(self, view=None):
        return self.image


def ball(moving=False, size=(64, 64), rings=12, image=None, turns=True, bumps=0.0):
    vertices, faces = sphere(rings, radius=0.8, bumps=bumps)
    uv = vertices[:, :2] * 0.5 + 0.5
    surface = Surface(vertices, faces, uv, faces, table(faces))
    mips = plan_mips(torch.ones(16, 16, dtype=torch.bool), 1)
    shape = Shape(vertices, surface.edges.ends, 1.0) if moving else None
    texture = Fixed(torch.full((1, 3, 16, 16), 0.8) if image is None else image)
    return MeshCanvas(texture, surface, mips, size, [Camera(0, 0, 3.2)], shape, turns=turns)


def test_a_ball_is_a_disc_on_its_background():
    canvas = ball()
    with torch.no_grad():
        views = canvas.views(canvas.cameras, backgrounds=[(0.1, 0.2, 0.3)])
    inside = views.masks[0, 0] > 0.999
    assert torch.allclose(views.images[0][:, inside], torch.tensor(0.8))
    assert views.images[0, :, 0, 0].tolist() == torch.tensor([0.1, 0.2, 0.3]).tolist()
    # the outline of a ball of radius r at distance d: focal * r / sqrt(d^2 - r^2)
    radius = 32 / torch.tan(torch.deg2rad(torch.tensor(20.0))) * 0.8 / (3.2**2 - 0.8**2) ** 0.5
    area = views.masks.sum() / (torch.pi * radius**2)
    assert 0.96 < area < 1.0  # a polyhedron lies within its ball


def test_light_darkens_the_rim():
    canvas = ball()
    with torch.no_grad():
        image = canvas.views(canvas.cameras, [Light(0.0, head=1.0)]).images[0, 0]
    assert image[32, 32] > 0.78
    assert image[32, 11] < 0.65 * image[32, 32]


@pytest.mark.parametrize("moving", [False, True])
def test_a_lamp_above_leaves_no_specks_on_the_outline(moving):
    def drawn(side, turns):
        canvas = ball(moving, size=(side, side), rings=7, turns=turns, bumps=0.25)
        with torch.no_grad():
            return canvas.views([Camera(10, 20, 3.2)], [Light(0.1, lamp=0.9)]).images

    wanted = torch.nn.functional.avg_pool2d(drawn(512, turns=True), 4)
    assert (drawn(128, turns=True) - wanted).abs().max() < 0.1
    assert (drawn(128, turns=False) - wanted).abs().max() > 0.5  # as in results of before


def test_moving_shape_begins_where_the_fixed_one_is():
    with torch.no_grad():
        fixed, moving = ball()(), ball(moving=True)()
    assert (fixed - moving).abs().max() < 1e-3


def test_gradients_of_vertices_agree_with_finite_differences_of_many_pixels():
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(image, (2, 2, 2, 2), mode="replicate"), 5, 1)
    canvas = ball(moving=True, size=(256, 256), image=image)
    light = [Light(0.3, head=0.6)]
    ramp = torch.linspace(0, 1, 128).expand(3, 128, 128)

    def score(size):
        weight = torch.nn.functional.interpolate(ramp[None], (size, size), mode="bilinear")[0]
        canvas.size = (size, size)
        return (canvas.views(canvas.cameras, light, [(0.0, 0.0, 0.0)]).images[0] * weight).mean()

    (slope,) = torch.autograd.grad(score(256), canvas.shape.moved)
    direction = canvas.shape.operator.apply(torch.tensor([[0.02, 0.0, 0.0]]).expand(len(slope), 3))
    start = canvas.shape.moved.detach().clone()
    found = []
    for sign in (1, -1):
        with torch.no_grad():
            canvas.shape.moved.copy_(start + sign * direction)
            found.append(score(768))
    wanted = (found[0] - found[1]) / 2
    assert (slope * direction).sum().item() == pytest.approx(wanted.item(), rel=0.05)


def test_a_mirrored_shape_stays_symmetric():
    vertices, faces = sphere(8)
    from reverie.numerics.mesh_mirror import mirror_pairs

    pairs = torch.from_numpy(mirror_pairs(vertices.numpy(), 0))
    shape = Shape(vertices, table(faces).ends, 2.0, (pairs, 0))
    with torch.no_grad():
        shape.moved.add_(0.05 * torch.randn(shape.moved.shape, generator=torch.Generator().manual_seed(0)))
        found = shape()
    image = found[pairs] * torch.tensor([-1.0, 1, 1])
    assert (found - image).abs().max() < 1e-5
    assert (found - vertices.float()).abs().max() > 0.01


def test_vertices_stay_within_reach_and_begin_where_they_were():
    vertices, faces = sphere(8)
    shape = Shape(vertices, table(faces).ends, 2.0, reach=0.1)
    with torch.no_grad():
        assert torch.allclose(shape(), vertices.float(), atol=1e-5)
        shape.moved.add_(torch.randn(shape.moved.shape, generator=torch.Generator().manual_seed(0)))
        way = (shape() - vertices).norm(dim=1)
    assert 0.05 < way.max() < 0.1
