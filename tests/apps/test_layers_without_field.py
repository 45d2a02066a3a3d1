"""A layer whose receptive field cannot be measured is listed without one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reverie.apps.cli.models import _field_of
from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import GradientError
from reverie.models.pix2pix import UNet

PLAIN = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class Cut(nn.Module):
    """Lets no gradient through between its two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(0 * self.first(x))


def test_layers_that_no_gradient_reaches_have_no_field():
    torch.manual_seed(0)
    critic = Critic(Cut().eval(), PLAIN, Identity("cut", input_px=64))
    with pytest.raises(GradientError, match="its receptive field is unknown"):
        critic.field(["second"])
    assert _field_of(critic, "second") is None
    found = _field_of(critic, "first")
    assert found is not None
    assert found.full_px == 3


def test_layers_of_pix2pix_have_fields_without_its_norms():
    torch.manual_seed(0)
    critic = Critic(UNet(3, 3, 8, 2).eval(), PLAIN, Identity("pairs", input_px=64))
    down, up = _field_of(critic, "down.1"), _field_of(critic, "up.0")
    assert down is not None and up is not None
    assert down.full_px == 10 and up.full_px > 10
