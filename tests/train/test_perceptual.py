"""The distance by a network: 0 for equal pictures, larger for blurred ones, with a gradient for what is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from reverie.train.translate.perceptual import Perceptual

MakePhoto = Callable[..., torch.Tensor]


@pytest.fixture(scope="module")
def perceptual() -> Perceptual:
    return Perceptual(torch.device("cpu"))


def test_equal_pictures_have_no_distance_and_a_blur_is_farther_than_a_shade(
    perceptual: Perceptual, make_photo: MakePhoto
):
    photo = make_photo(48, 56)
    blurred = F.avg_pool2d(F.pad(photo, (2, 2, 2, 2), mode="reflect"), 5, 1)
    noise = (blurred - photo).abs().mean()
    shade = (photo * 0.9 + 0.05 * (photo > 0.5)).clamp(0, 1)
    shade = photo + (shade - photo) * (noise / (shade - photo).abs().mean())  # as far from it by the mean difference
    assert perceptual(photo, photo).item() == 0
    assert perceptual(blurred, photo) > 1.5 * perceptual(shade, photo) > 0


def test_what_is_made_gets_a_gradient_that_sharpens_it(perceptual: Perceptual, make_photo: MakePhoto):
    photo = make_photo(48, 48)
    made = F.avg_pool2d(F.pad(photo, (2, 2, 2, 2), mode="reflect"), 5, 1).requires_grad_()
    before = perceptual(made, photo)
    (slope,) = torch.autograd.grad(before, made)
    after = perceptual(made - 0.5 * slope / slope.norm(), photo)
    assert after < before
    assert not any(p.requires_grad for p in perceptual.critic.net.parameters())


@pytest.mark.parametrize(("channels", "size"), [(1, (48, 40)), (4, (40, 48)), (3, (16, 20))])
def test_other_channels_and_small_pictures_are_taken(perceptual: Perceptual, channels: int, size: tuple[int, int]):
    a, b = torch.rand(2, 2, channels, *size, generator=torch.Generator().manual_seed(1))
    found = perceptual(a, b)
    assert 0 < found < 10
    if channels == 4:  # transparency is nothing that it sees
        assert perceptual(torch.cat([a[:, :3], b[:, 3:]], 1), b) == found
