"""Pictures made by loops against those made by torch operations, and against themselves on other threads."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from shapes import sphere, table

from reverie.canvas.mesh import MeshCanvas, Shape
from reverie.render.camera import Camera
from reverie.render.light import Light
from reverie.render.mips import plan_mips
from reverie.render.surface import Surface

SKY = (0.1, 0.14, 0.02, 0.03, 0.01, 0.02, 0.03, 0.015, -0.02)
LIGHTS = {"all": Light(0.35, lamp=0.4, toward=(0, 0.6, 0.8), head=0.45, sky=SKY), "none": Light()}
CAMERAS = {"outside": Camera(30, 20, 3.2), "inside": Camera(10, 5, 0.9)}


class Fixed(nn.Module):
    def __init__(self, image):
        super().__init__()
        self.image = nn.Parameter(image)

    def forward(self):
        return self.image


def canvas(cameras, rings=16):
    vertices, faces = sphere(rings, bumps=0.1)
    uv = vertices[:, :2] * 0.4 + 0.5
    surface = Surface(vertices, faces, uv, faces, table(faces))
    rows, columns = torch.meshgrid(torch.linspace(0, 9, 64), torch.linspace(0, 7, 64), indexing="ij")
    image = torch.stack([rows.sin(), columns.cos(), (rows + columns).sin()]) * 0.4 + 0.5
    shape = Shape(vertices, surface.edges.ends, 1.0)
    mips = plan_mips(torch.ones(64, 64, dtype=torch.bool), 3)
    return MeshCanvas(Fixed(image[None]), surface, mips, (72, 96), cameras, shape)


def drawn(one, light, mask_weight=1.0):
    """Return pictures, and gradients of texels and vertices."""
    generator = torch.Generator().manual_seed(0)
    ground = torch.rand(3, 72, 96, generator=generator)
    views = one.views(one.cameras, [light] * len(one.cameras), [ground] * len(one.cameras))
    ramp = torch.linspace(0, 1, 96) + torch.linspace(0, 2, 72)[:, None]
    score = (views.images * ramp).sum() + mask_weight * (views.masks * ramp).sum()
    return views.images.detach(), views.masks.detach(), *torch.autograd.grad(score, list(one.parameters()))


@pytest.mark.parametrize("camera", sorted(CAMERAS))
@pytest.mark.parametrize("light", sorted(LIGHTS))
@pytest.mark.parametrize("turns", [True, False])
def test_loops_and_torch_operations_agree(turns, camera, light):
    one = canvas([CAMERAS[camera]])
    one.turns = turns
    fused = drawn(one, LIGHTS[light])
    one.fuses = False
    plain = drawn(one, LIGHTS[light])
    assert (fused[0] - plain[0]).abs().max() < 1e-4
    assert (fused[1] - plain[1]).abs().max() < 1e-4
    for a, b in zip(fused[2:], plain[2:], strict=True):
        assert b.any()
        assert (a - b).norm() < 2e-3 * b.norm()


def test_triangles_of_more_pixels_than_are_worked_out_at_once():
    one = canvas([CAMERAS["inside"]], rings=3)
    fused = drawn(one, LIGHTS["all"])
    one.fuses = False
    for a, b in zip(fused, drawn(one, LIGHTS["all"]), strict=True):
        assert (a - b).norm() < 2e-3 * b.norm()


def test_red_green_and_blue_in_lanes_of_one_number():
    from numba import njit

    from reverie.render.fused.lanes import dot, dot_from_green, joined, loaded, parted, spread, stored
    from reverie.render.fused.lanes import where_at_most_one as bounded

    @njit
    def results(numbers, out):
        one, two = loaded(numbers, 0), joined(numbers[4], numbers[5], numbers[6])
        stored(out, 0, one * two - spread(numbers[0]))
        stored(out, 4, bounded(one, one + two))
        return parted(one), dot(one, two), dot_from_green(one, two)

    numbers, out = np.array([0.25, 0.5, 2, 3, 4, 5, 6, 7], np.float32), np.zeros(8, np.float32)
    assert results(numbers, out) == ((0.25, 0.5, 2), 15.5, 15.5)
    assert out.tolist() == [0.75, 2.25, 11.75, -0.25, 4.25, 5.5, 0, 0]


def test_many_views_at_once_are_those_views_one_by_one(monkeypatch):
    cameras = [Camera(40.0 * i, 10, 3.2) for i in range(6)]
    together = drawn(canvas(cameras), LIGHTS["all"])
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    spread = drawn(canvas(cameras), LIGHTS["all"])
    for a, b in zip(together, spread, strict=True):
        assert torch.equal(a, b)
    monkeypatch.undo()
    alone = [drawn(canvas([camera]), LIGHTS["all"]) for camera in cameras]
    assert torch.equal(together[0], torch.cat([one[0] for one in alone]))
    assert torch.allclose(together[3], torch.stack([one[3] for one in alone]).sum(0), atol=1e-3, rtol=1e-4)


def test_all_resolutions_of_a_texture_are_those_of_torch_to_the_last_bit():
    y, x = torch.meshgrid(torch.arange(64), torch.arange(32), indexing="ij")
    covered = (y // 11 + x // 7) % 3 > 0
    plan = plan_mips(covered, 4)
    generator = torch.Generator().manual_seed(0)
    texture = torch.rand(1, 3, 64, 32, generator=generator).requires_grad_()
    found = [plan.texels(texture), plan.texels_torch(texture)]
    weight = torch.randn(found[0].shape, generator=generator)
    slopes = [torch.autograd.grad((texels * weight).sum(), texture)[0] for texels in found]
    assert torch.equal(*found)
    assert torch.equal(*slopes)


def test_the_quick_logarithm_is_one():
    from reverie.render.fused.texels import _log2

    values = [1.0, 1.3, 1.4142135, 1.4142137, 1.9999999, 2.0, 3.0, 1e3, 123456.7, 2.0**40]
    assert max(abs(_log2(value) - math.log2(value)) for value in values) < 3e-7
