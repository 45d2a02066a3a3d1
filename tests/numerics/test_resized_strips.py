"""Strips of a resized picture are rows of the whole picture resized."""

import pytest
import torch

from reverie.numerics.resample import resize
from reverie.numerics.strips import resized_rows, row_weights


@pytest.mark.parametrize(
    "new", [(94, 145), (131, 145), (94, 203), (211, 320), (31, 47), (262, 203), (1, 1), (131, 203)]
)
@pytest.mark.parametrize("rows", [1, 17, 400])
def test_strips_make_up_the_resized_picture(new, rows):
    image = torch.rand(1, 3, 131, 203, generator=torch.Generator().manual_seed(0))
    read: list[int] = []

    def part(top, bottom):
        read.append(bottom - top)
        return image[:, :, top:bottom].clone()

    found = [resized_rows(part, (131, 203), new, top, min(top + rows, new[0])) for top in range(0, new[0], rows)]
    assert torch.allclose(torch.cat(found, 2), resize(image, new), atol=3e-5)
    if rows == 1 and new[0] > 90:
        assert max(read) <= 7  # a strip needs its own neighborhood only


@pytest.mark.parametrize(("old", "new"), [(50, 31), (31, 50), (50, 50), (7, 1)])
def test_weights_of_a_row_add_up_to_one_and_keep_a_slope(old, new):
    first, weights = row_weights(old, new, 0, new)
    assert torch.allclose(weights.sum(1), torch.ones(new), atol=1e-6)
    slope = weights @ (torch.arange(weights.shape[1]) + first + 0.5)
    inner = slice(new // 4, new - new // 4) if new > 4 else slice(0, new)
    assert torch.allclose(slope[inner], ((torch.arange(new) + 0.5) * old / new)[inner], atol=0.02)
