"""Transparent places are filled from around them, whatever colors they held."""

from __future__ import annotations

import pytest
import torch

from reverie.numerics.fill import fill_transparent


def hole(size: tuple[int, int] = (23, 30)) -> torch.Tensor:
    alpha = torch.ones(1, 1, *size)
    alpha[..., 5:17, 8:25] = 0
    return alpha


def test_an_opaque_picture_stays_as_it_is(generator) -> None:
    images = torch.rand(1, 3, 9, 7, generator=generator)
    assert torch.equal(fill_transparent(images, torch.ones(1, 1, 9, 7)), images)


def test_a_hole_in_one_color_takes_that_color() -> None:
    images = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(-1, -1, 23, 30).clone()
    expected = images.clone()
    images[..., 5:17, 8:25] = 1
    assert torch.allclose(fill_transparent(images, hole()), expected, atol=1e-6)


def test_hidden_colors_have_no_influence_and_visible_ones_stay(generator) -> None:
    images, alpha = torch.rand(1, 3, 23, 30, generator=generator), hole()
    other = torch.where(alpha > 0, images, torch.rand(1, 3, 23, 30, generator=generator))
    found = fill_transparent(images, alpha)
    assert torch.equal(found, fill_transparent(other, alpha))
    assert torch.equal(torch.where(alpha > 0, found, 0), torch.where(alpha > 0, images, 0))
    assert found.min() >= 0 and found.max() <= 1


def test_a_slope_goes_on_through_the_hole() -> None:
    slope = torch.linspace(0, 1, 30).expand(1, 3, 23, 30).clone()
    found = fill_transparent(torch.where(hole() > 0, slope, 0), hole())
    assert (found - slope).abs().mean() < 0.03
    assert (found - slope).abs().max() < 0.3


def test_half_transparent_places_are_half_filled() -> None:
    images, alpha = torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    images[..., 4, 4], alpha[..., 4, 4] = 1, 0.5
    found = fill_transparent(images, alpha)[0, 0, 4, 4].item()
    assert 0.5 <= found < 0.95


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_narrow_pictures_are_filled_too(size: tuple[int, int]) -> None:
    images, alpha = torch.full((1, 3, *size), 0.7), torch.zeros(1, 1, *size)
    alpha[..., 0, 0] = 1
    images[..., 0, 0] = 0.25
    assert torch.allclose(fill_transparent(images, alpha), torch.full_like(images, 0.25), atol=1e-6)


def test_nothing_visible_is_grey() -> None:
    found = fill_transparent(torch.rand(1, 3, 4, 4), torch.zeros(1, 1, 4, 4))
    assert torch.equal(found, torch.full((1, 3, 4, 4), 0.5))
