"""A network that gives classes is measured by the map that anybody gets: one class for each pixel."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reverie.models.picture_kinds import parse_kind
from reverie.train.translate.measure import compared


def test_classes_are_measured_as_they_are_written():
    kind = parse_kind("labels:3")
    wanted = torch.zeros(1, 3, 32, 32)
    wanted[:, 0, :, :16] = wanted[:, 1, :, 16:] = 1

    class Unsure(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return wanted * 0.7 + 0.1

    found = compared(Unsure(), torch.zeros(1, 3, 32, 32), wanted, kind)
    assert found["accuracy"] == 1
    assert found["ssim_decided"] == pytest.approx(1)  # the third class is nowhere
    assert found["ssim"] < 0.7  # though it had a tenth everywhere
    wanted[:, :, :4] = 0  # no class there, which is nobody's mistake
    found = compared(Unsure(), torch.zeros(1, 3, 32, 32), wanted, kind)
    assert found["ssim_decided"] == pytest.approx(1)
    assert torch.equal(kind.decided(torch.tensor([[[0.2]], [[0.5]], [[0.3]]])), torch.tensor([[[0.0]], [[1]], [[0]]]))
    assert parse_kind("color").decided(wanted) is wanted
