"""Pictures that are made to repeat: borders continue, details stay, and the definition holds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reverie.numerics.periodic import periodic


def smooth_picture(height: int = 40, width: int = 56) -> Tensor:
    """A slope, which does not repeat, with waves on it, which do."""
    down = torch.linspace(0, 1, height, dtype=torch.float64)[:, None]
    across = torch.linspace(0, 1, width, dtype=torch.float64)[None, :]
    waves = 0.1 * torch.sin(2 * torch.pi * 4 * torch.arange(width, dtype=torch.float64) / width)[None, :]
    return (0.3 * down + 0.4 * across + waves).expand(1, 3, -1, -1).clone()


def laplacian(image: Tensor, *, across_borders: tuple[bool, bool]) -> Tensor:
    """Sum of differences to the four neighbors; those across a border count only where it is asked for."""
    total = torch.zeros_like(image)
    for dim, over in zip((-2, -1), across_borders, strict=True):
        count = image.shape[dim]
        for step in (1, -1):
            apart = image.roll(step, dim) - image
            if not over:
                apart.select(dim, 0 if step == 1 else count - 1).zero_()
            total += apart
    return total


@pytest.mark.parametrize("wrap", [(True, True), (True, False), (False, True)])
def test_it_has_the_laplacian_of_the_picture_without_the_jumps(generator, wrap: tuple[bool, bool]) -> None:
    images = torch.rand(1, 2, 13, 20, generator=generator, dtype=torch.float64)
    found = periodic(images, wrap)
    inner = laplacian(images, across_borders=(False, False))
    assert torch.allclose(laplacian(found, across_borders=wrap), inner, atol=1e-10)
    assert torch.allclose(found.mean((2, 3)), images.mean((2, 3)))


@pytest.mark.parametrize(("wrap", "dims"), [((True, True), (-2, -1)), ((True, False), (-2,)), ((False, True), (-1,))])
def test_opposite_borders_meet(wrap: tuple[bool, bool], dims: tuple[int, ...]) -> None:
    images = smooth_picture()
    found = periodic(images, wrap)
    for dim in dims:
        before = (images.select(dim, 0) - images.select(dim, -1)).abs().mean()
        after = (found.select(dim, 0) - found.select(dim, -1)).abs().mean()
        assert before > 0.25 and after < 0.06 * before


def test_details_stay_and_a_picture_that_repeats_stays_as_it_is() -> None:
    images = smooth_picture()
    waves = images - images.mean((2, 3), keepdim=True)
    found = periodic(images, (True, True))
    curvature = (laplacian(found, across_borders=(True, True)) - laplacian(waves, across_borders=(False, False))).abs()
    assert curvature.max() < 1e-10
    angle = 2 * torch.pi * torch.arange(48, dtype=torch.float64) / 48
    tile = (0.5 + 0.2 * torch.cos(angle)[:, None] + 0.2 * torch.cos(angle)[None, :]).expand(1, 3, -1, -1)
    assert (periodic(tile, (True, True)) - tile).abs().max() < 2e-3


def test_what_cannot_repeat_is_left_alone(generator) -> None:
    images = torch.rand(1, 3, 1, 9, generator=generator)
    assert periodic(images, (False, False)) is images
    assert periodic(images, (True, False)) is images
    assert torch.isfinite(periodic(images, (True, True))).all()
    single = periodic(images, (False, True))
    assert single.dtype == images.dtype and single.shape == images.shape
