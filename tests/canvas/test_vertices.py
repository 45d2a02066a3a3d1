"""A shape is found from silhouettes, also as views see it that were not asked, and stays smooth."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere, table

from reverie.canvas.vertices import Smoothing
from reverie.optimize.uniform_adam import UniformAdam
from reverie.render.camera import Camera
from reverie.render.silhouette import silhouette


def overlap(one, two):
    one, two = one > 0.5, two > 0.5
    return ((one & two).sum() / (one | two).sum()).item()


def test_solve_undoes_apply_and_passes_gradcheck():
    vertices, faces = sphere(5)
    smoothing = Smoothing(table(faces).ends, len(vertices), 19.0)
    moved = smoothing.apply(vertices)
    assert not torch.allclose(moved, vertices, atol=0.1)
    assert torch.allclose(smoothing.solve(moved), vertices)
    assert torch.autograd.gradcheck(smoothing.solve, moved.requires_grad_())


def test_apply_is_the_formula():
    ends = torch.tensor([[0, 1], [1, 2], [1, 2]])  # a path; the second edge stands twice
    found = Smoothing(ends, 3, 2.0).apply(torch.eye(3, dtype=torch.float64))
    assert torch.equal(found, torch.tensor([[3.0, -2, 0], [-2, 5, -2], [0, -2, 3]], dtype=torch.float64))


@pytest.mark.slow
def test_smooth_steps_find_a_shape_from_silhouettes():
    vertices, faces = sphere(16)
    edges, size = table(faces), (64, 64)
    bumpy = sphere(16, radius=0.85, bumps=0.15)[0]
    views = [Camera(60 * i, e, 3.4) for i, e in enumerate((-20, 0, 20, 40, 10, -10))]
    held_out = [Camera(30 + 120 * i, 15, 3.4) for i in range(3)]

    def seen(shape, cameras):
        return torch.stack([silhouette(shape, faces, edges, c.matrix(size), size, c.near) for c in cameras])

    wanted, unseen = seen(bumpy.float(), views), seen(bumpy.float(), held_out)
    smoothing = Smoothing(edges.ends, len(vertices), 2.0)
    moved = torch.nn.Parameter(smoothing.apply(0.8 * vertices.float()))
    before = overlap(seen(smoothing.solve(moved), held_out), unseen)
    optimizer = UniformAdam([moved], lr=0.04)
    for _ in range(80):
        optimizer.zero_grad()
        (seen(smoothing.solve(moved), views) - wanted).square().sum().mul(3).backward()
        optimizer.step()
    assert before < 0.8
    assert overlap(seen(smoothing.solve(moved), held_out), unseen) > 0.96


def test_one_pace_for_all_coordinates():
    parameter = torch.nn.Parameter(torch.zeros(2))
    parameter.grad = torch.tensor([4.0, 1.0])
    UniformAdam([parameter], lr=0.1).step()
    assert parameter.tolist() == pytest.approx([-0.1, -0.025])
