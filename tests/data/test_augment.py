"""Augmentation does what its numbers say, and nothing that its seed did not decide."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from reverie.data.augment import Augmentation, _crops, augment, center
from reverie.data.batches import seeded

EVERYTHING = Augmentation(min_scale=0.3, color=0.4, noise=0.2, blur=0.5)
NOTHING = Augmentation(min_scale=1.0, max_aspect=1.0, flip=False, color=0.0)


@pytest.fixture
def pixels():
    return torch.randint(0, 256, (16, 3, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def windows(count: int, how: Augmentation) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Signed width and height of crops as shares of the side, and their grids."""
    grid = _crops(count, 8, how, seeded("windows"))
    width = (grid[:, 0, -1, 0] - grid[:, 0, 0, 0]) / 2 * 8 / 7
    height = (grid[:, -1, 0, 1] - grid[:, 0, 0, 1]) / 2 * 8 / 7
    return width, height, grid


def test_the_seed_decides(pixels):
    one, same, other = (augment(pixels, 16, EVERYTHING, seeded(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_global_generator_is_not_used(pixels):
    state = torch.get_rng_state()
    augment(pixels, 16, EVERYTHING, seeded(0))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("size_px", [8, 24, 33])
def test_shape_and_range(pixels, size_px):
    images = augment(pixels, size_px, EVERYTHING, seeded(0))
    assert images.shape == (16, 3, size_px, size_px)
    assert images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1


def test_the_bytes_are_left_alone(pixels):
    before = pixels.clone()
    augment(pixels, 24, EVERYTHING, seeded(0))
    center(pixels, 24)
    assert torch.equal(pixels, before)


def test_without_any_change_the_picture_comes_back(pixels):
    assert torch.allclose(augment(pixels, 24, NOTHING, seeded(0)), pixels.float() / 255, atol=1e-5)


def test_flip_mirrors_about_half_of_the_pictures_exactly(pixels):
    how = Augmentation(min_scale=1.0, max_aspect=1.0, flip=True, color=0.0)
    plain = pixels.float() / 255
    images = augment(pixels, 24, how, seeded(3))
    same = torch.tensor([torch.allclose(a, b, atol=1e-5) for a, b in zip(images, plain, strict=True)])
    mirrored = torch.tensor([torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(images, plain, strict=True)])
    assert torch.equal(same, ~mirrored)
    assert 3 <= mirrored.sum() <= 13


def test_crops_keep_an_area_drawn_evenly():
    width, height, _ = windows(4000, Augmentation(min_scale=0.4, max_aspect=1.0))
    area = (width * height).abs()
    assert area.min() >= 0.4 - 1e-5 and area.max() <= 1 + 1e-5
    assert area.mean().item() == pytest.approx(0.7, abs=0.01)
    assert area.std().item() == pytest.approx(0.6 / 12**0.5, abs=0.01)
    assert torch.allclose(width.abs(), height, atol=1e-5)
    assert (width < 0).float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_aspects_stay_within_their_bound_and_are_symmetric():
    width, height, _ = windows(4000, Augmentation(min_scale=0.3, max_aspect=1.5, flip=False))
    aspect = (width / height).log()
    assert aspect.abs().max() <= torch.tensor(1.5).log() + 1e-4
    assert aspect.mean().item() == pytest.approx(0, abs=0.02)


def test_crops_lie_within_the_picture():
    _, _, grid = windows(1000, Augmentation(min_scale=0.2, max_aspect=1.4))
    assert grid.abs().max() <= 1 + 1e-5


def test_color_changes_stay_within_their_bound():
    grey = torch.full((500, 3, 4, 4), 100, dtype=torch.uint8)
    images = augment(grey, 4, Augmentation(color=0.3), seeded(0))
    value = images.mean((1, 2, 3)) * 255  # of a flat grey only the brightness changes
    assert value.min() >= 70 - 1e-3 and value.max() <= 130 + 1e-3
    assert value.std().item() == pytest.approx(60 / 12**0.5, rel=0.1)


def test_noise_has_the_strength_it_is_given():
    grey = torch.full((400, 3, 16, 16), 128, dtype=torch.uint8)
    images = augment(grey, 16, Augmentation(color=0.0, noise=0.1), seeded(0))
    sigma = images.flatten(1).std(1)
    assert sigma.max() < 0.11
    assert sigma.mean().item() == pytest.approx(0.05, abs=0.005)


def test_blur_is_the_binomial_filter(pixels):
    how = Augmentation(min_scale=1.0, max_aspect=1.0, flip=False, color=0.0, blur=1.0)
    kernel = torch.tensor([1.0, 2, 1])
    kernel = (kernel[:, None] * kernel / 16).expand(3, 1, 3, 3)
    expected = F.conv2d(F.pad(pixels.float() / 255, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    assert torch.allclose(augment(pixels, 24, how, seeded(0)), expected, atol=1e-5)


def test_center_keeps_the_whole_picture(pixels):
    assert torch.equal(center(pixels, 24), pixels.float() / 255)
    small = center(pixels, 12)
    assert small.shape == (16, 3, 12, 12)
    assert small.mean().item() == pytest.approx(pixels.float().mean().item() / 255, abs=2e-3)
