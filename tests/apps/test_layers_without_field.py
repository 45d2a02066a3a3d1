"""A layer whose receptive field cannot be measured is listed without one."""

from __future__ import annotations

import pytest
import torch

from reverie.apps.cli.models import _field_of
from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import GradientError
from reverie.models.pix2pix import UNet


def test_layers_behind_norms_of_the_whole_picture_have_no_field():
    torch.manual_seed(0)
    plain = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    critic = Critic(UNet(3, 3, 8, 2).eval(), plain, Identity("pairs", input_px=64))
    with pytest.raises(GradientError, match="its receptive field is unknown"):
        critic.field(["up.0"])
    assert _field_of(critic, "up.0") is None
    found = _field_of(critic, "down.1")
    assert found is not None
    assert found.full_px == 10
