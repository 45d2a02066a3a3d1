"""Paths through latent space: their speed, their loops, and what they keep of the latents."""

import math

import pytest
import torch

from reverie.tools.latent_films.paths import circle, even_places, frame_places, noise_loop, polyline, slerp, spline


def test_slerp_stays_on_the_sphere_at_constant_angle():
    a, b = torch.tensor([2.0, 0, 0]), torch.tensor([0, 2.0, 0])
    points = [slerp(a, b, t) for t in (0.0, 0.25, 0.5, 1.0)]
    assert all(p.norm().item() == pytest.approx(2) for p in points)
    assert torch.allclose(points[1], 2 * torch.tensor([math.cos(math.pi / 8), math.sin(math.pi / 8), 0]), atol=1e-6)
    assert torch.allclose(points[3], b, atol=1e-6)
    assert torch.allclose(slerp(a, 3 * a, 0.5), 2 * a)


def test_a_spline_passes_its_points_and_closes_smoothly():
    points = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    curve = spline(points, closed=True)
    for number, point in enumerate(points):
        assert torch.allclose(curve(number / 5), point, atol=1e-6)
    h = 1e-3
    before, after = curve(1.0) - curve(1 - h), curve(h) - curve(0.0)
    assert torch.allclose(before, after, atol=5e-4)
    assert torch.allclose(spline(points, closed=False)(1.0), points[-1], atol=1e-6)


def test_loops_return_and_keep_the_spread_of_normal_latents():
    random = torch.Generator().manual_seed(1)
    ring = circle(torch.randn(4000, generator=random), torch.randn(4000, generator=random), 2)
    wave = noise_loop(4000, 1.0, random)
    for curve in (ring, wave):
        assert torch.allclose(curve(0.0), curve(1.0), atol=1e-3)
        assert curve(0.37).std().item() == pytest.approx(1.0, abs=0.05)


def test_no_frame_of_a_loop_is_shown_twice():
    curve = polyline(torch.tensor([[0.0], [1.0], [2.0]]), lambda a, b, t: a.lerp(b, t), closed=True)
    shown = [curve(float(u)).item() for u in frame_places(12, closed=True)]
    assert shown == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 1.5, 1, 0.5])
    assert list(frame_places(3, closed=False)) == [0, 0.5, 1]


def test_even_places_make_the_speed_constant():
    place = even_places(lambda u: torch.tensor([u**2]), lambda points: points, 201)
    assert [place(u) ** 2 for u in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([0, 0.25, 0.5, 1], abs=1e-3)
