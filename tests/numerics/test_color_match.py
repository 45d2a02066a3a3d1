"""Matched colors have the moments of the target; pictures without colors, weights and strengths behave."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from reverie.numerics.color_match import METHODS, MOST_GAIN, RIDGE, color_map, color_moments, match_colors


def colors(mean: tuple[float, ...], spread: float, generator: Generator, size: int = 40) -> Tensor:
    mixing = torch.randn(3, 3, generator=generator) + 1.5 * torch.eye(3)
    noise = torch.rand(3, size * size, generator=generator) - 0.5
    flat = torch.tensor(mean)[:, None] + spread * (mixing / mixing.norm()) @ noise
    return flat.clamp(0.02, 0.98).reshape(1, 3, size, size)


def pair(generator: Generator) -> tuple[Tensor, Tensor]:
    return colors((0.4, 0.5, 0.6), 0.6, generator), colors((0.5, 0.45, 0.5), 0.4, generator)


@pytest.mark.parametrize("method", METHODS)
def test_mean_and_covariance_are_those_of_the_target(generator, method: str) -> None:
    images, target = pair(generator)
    mean, covariance = color_moments(match_colors(images, target, method))
    wanted_mean, wanted = color_moments(target)
    assert torch.allclose(mean, wanted_mean, atol=1e-4)
    assert torch.allclose(covariance, wanted, atol=3e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_map_turns_one_covariance_into_the_other(generator, method: str) -> None:
    here, there = (color_moments(image)[1] for image in pair(generator))
    matrix = color_map(here, there, method)
    ridge = RIDGE * torch.eye(3, dtype=torch.float64)
    assert torch.allclose(matrix @ (here + ridge) @ matrix.mT, there + ridge, rtol=1e-8, atol=1e-12)


def test_the_symmetric_map_is_symmetric_and_moves_colors_least(generator) -> None:
    images, target = pair(generator)
    here, there = color_moments(images)[1], color_moments(target)[1]
    matrix = color_map(here, there, "sym")
    assert torch.allclose(matrix, matrix.mT, atol=1e-10)
    moved = {m: (match_colors(images, target, m) - images).square().mean().item() for m in METHODS}
    assert moved["sym"] <= min(moved.values()) + 1e-9


def test_moments_are_those_of_the_definition_with_weights(generator) -> None:
    images = torch.rand(1, 3, 5, 6, generator=generator, dtype=torch.float64)
    weights = torch.rand(1, 1, 5, 6, generator=generator, dtype=torch.float64)
    mean, covariance = color_moments(images, weights)
    flat, share = images[0].flatten(1), weights.flatten()
    assert torch.allclose(mean, (flat * share).sum(1) / share.sum())
    assert torch.allclose(covariance, torch.cov(flat, aweights=share, correction=0))
    assert torch.allclose(color_moments(images)[1], torch.cov(flat, correction=0))


def test_strength_goes_from_nothing_to_all(generator) -> None:
    images, target = pair(generator)
    assert match_colors(images, target, strength=0) is images
    full = match_colors(images, target)
    half = match_colors(images, target, strength=0.5)
    assert torch.allclose(half, (images + full) / 2, atol=1e-5)


def test_only_what_weighs_counts(generator) -> None:
    images, target = pair(generator)
    weights = torch.ones(1, 1, 40, 40)
    weights[..., 20:] = 0
    spoiled_images, spoiled_target = images.clone(), target.clone()
    spoiled_images[..., 20:], spoiled_target[..., 20:] = 0.9, 0.1
    found = match_colors(spoiled_images, spoiled_target, weights=weights, target_weights=weights)
    expected = match_colors(images[..., :20], target[..., :20])
    assert torch.allclose(found[..., :20], expected, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_grey_and_flat_pictures_stay_tame(generator, method: str) -> None:
    photo = pair(generator)[0]
    grey = photo.mean(1, keepdim=True).expand(-1, 3, -1, -1).contiguous()
    flat = torch.full((1, 3, 8, 8), 0.3)
    for images, target in ((grey, photo), (photo, grey), (flat, photo), (photo, flat), (flat, flat)):
        found = match_colors(images, target, method)
        assert torch.isfinite(found).all()
        assert (found.mean((2, 3)) - target.mean((2, 3))).abs().max() < 1e-2
    assert (match_colors(photo, grey, method).std(1).mean()) < 0.02
    assert torch.allclose(match_colors(flat, flat, method), flat, atol=1e-6)


def test_results_stay_in_range_and_sources_stay_as_they_are(generator) -> None:
    images = torch.rand(1, 3, 16, 16, generator=generator)
    target = (torch.rand(1, 3, 9, 30, generator=generator) > 0.5).float()
    before = images.clone()
    found = match_colors(images, target)
    assert found.min() >= 0 and found.max() <= 1 and found.dtype == images.dtype
    assert torch.equal(images, before)


@pytest.mark.parametrize("method", METHODS)
def test_the_noise_of_a_picture_that_is_nearly_grey_does_not_become_color(generator, method: str) -> None:
    grey = torch.rand(1, 1, 40, 40, generator=generator).mul(0.6).add(0.2).expand(1, 3, 40, 40)
    noise = torch.randn(1, 3, 40, 40, generator=generator) * 0.5 / 255
    target = pair(generator)[1]
    found = match_colors(grey + noise, target, method)
    clean = match_colors(grey, target, method)
    assert (found - clean).std().item() <= 1.2 * MOST_GAIN * noise.std().item()
    matrix = color_map(color_moments(grey + noise)[1], color_moments(target)[1], method)
    assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(MOST_GAIN)
