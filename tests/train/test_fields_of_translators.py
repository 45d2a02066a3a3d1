"""How far layers of networks that learned from pairs see, without their norms."""

from __future__ import annotations

import pytest
import torch

from reverie.models.pix2pix import Generator
from reverie.models.student import whole_statistics
from reverie.models.translator import Shape, build_translator
from reverie.train.translate.task import difference_reach_px


@pytest.mark.parametrize("generator", ["unet", "resnet"])
def test_the_last_layer_is_listed_with_what_it_sees_through_all_others(generator: str):
    from reverie.critic.layers import receptive_field
    from reverie.critic.run import run_until

    net = build_translator(Shape(generator, 3, 3, 8, (1,), depth=2)).eval()
    assert isinstance(net, Generator)
    field = receptive_field(net, lambda copied, images: run_until(copied, images, ["last"])["last"], 1, 16)
    assert net.levels
    net.levels = False  # and nothing below zero, where a ReLU would hide a pixel
    for values in net.double().parameters():
        values.detach().abs_()
    image = torch.rand(1, 3, 96, 96, dtype=torch.float64)
    farthest = difference_reach_px(lambda x: net.features(x, whole_statistics), image, 0.0)
    assert farthest < field.full_px <= 2 * farthest + 1
