"""Masks on layers: coverage, erosion against a naive loop, regions too small to erode, and sharing out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reverie.numerics.region_weights import eroded, region_weights, shared_out


def naive(mask: Tensor, radius: int) -> Tensor:
    result = mask.clone()
    height, width = mask.shape[-2:]
    for y in range(height):
        for x in range(width):
            window = mask[..., max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            result[..., y, x] = window.min()
    return result


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 5, 9, 40])
@pytest.mark.parametrize("size", [(13, 10), (1, 8), (1, 1)])
def test_erosion_is_the_least_value_around(generator, radius: int, size: tuple[int, int]) -> None:
    mask = torch.rand(1, 1, *size, generator=generator)
    assert torch.equal(eroded(mask, radius), naive(mask, radius))


def test_a_position_counts_as_far_as_its_cell_is_covered(generator) -> None:
    mask = torch.rand(1, 1, 12, 8, generator=generator)
    cells = mask.reshape(3, 4, 2, 4).mean((1, 3))
    assert torch.allclose(region_weights(mask, (3, 2))[0, 0], cells)


def test_inside_a_region_nothing_sees_its_border() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :20] = 1
    found = region_weights(mask, (32, 32), 4)
    assert found[..., :16].eq(1).all() and found[..., 16:].eq(0).all()


def test_a_region_that_erosion_would_swallow_keeps_what_it_covers() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 14:18, 14:18] = 1
    assert torch.equal(region_weights(mask, (16, 16), 4), region_weights(mask, (16, 16)))


def test_an_empty_and_a_full_mask_stay_so() -> None:
    assert region_weights(torch.zeros(1, 1, 9, 9), (3, 3), 2).eq(0).all()
    assert region_weights(torch.ones(1, 1, 9, 9), (3, 3), 2).eq(1).all()


def test_shared_out_masks_cover_every_pixel_once(generator) -> None:
    masks = [torch.rand(1, 1, 6, 6, generator=generator) for _ in range(3)]
    found = shared_out(masks)
    assert len(found) == 4
    assert torch.allclose(torch.stack(found).sum(0), torch.ones(1, 1, 6, 6), atol=1e-6)
    assert min(part.min().item() for part in found) >= 0
    assert shared_out([]) == []


def test_masks_that_do_not_overlap_are_left_as_they_are() -> None:
    left = torch.zeros(1, 1, 4, 4)
    left[..., :1] = 1
    right = torch.zeros(1, 1, 4, 4)
    right[..., 3:] = 0.5
    found = shared_out([left, right])
    assert torch.equal(found[0], left) and torch.equal(found[1], right)
    assert torch.equal(found[2], 1 - left - right)
