"""Caffe's GoogLeNet: layers of the sizes that the paper's table gives, normalization and pooling as Caffe has them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reverie.critic.layers import trace
from reverie.models.build import build_classifier, shapes_only
from reverie.models.caffe_googlenet import BLOCKS, CaffeGoogLeNet

SIZES = {  # at 224 px; Szegedy et al. 2014, table 1
    "conv1/7x7_s2": (64, 112), "pool1/3x3_s2": (64, 56), "pool1/norm1": (64, 56), "conv2/3x3_reduce": (64, 56),
    "conv2/3x3": (192, 56), "conv2/norm2": (192, 56), "pool2/3x3_s2": (192, 28), "inception_3a/3x3_reduce": (96, 28),
    "inception_3a/output": (256, 28), "inception_3b/output": (480, 28), "pool3/3x3_s2": (480, 14),
    "inception_4a/output": (512, 14), "inception_4b/output": (512, 14), "inception_4c/output": (512, 14),
    "inception_4d/output": (528, 14), "inception_4e/output": (832, 14), "pool4/3x3_s2": (832, 7),
    "inception_5a/output": (832, 7), "inception_5b/5x5": (128, 7), "inception_5b/output": (1024, 7),
    "pool5/7x7_s1": (1024, 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def empty() -> nn.Module:
    with shapes_only():
        return build_classifier("googlenet-caffe", 365).eval()


def test_layers_have_the_sizes_of_the_paper(empty):
    shapes = dict(trace(empty, (224, 224)))
    assert {name: (shapes[name][1], shapes[name][2]) for name in SIZES} == SIZES
    assert shapes["loss3/classifier"] == (1, 365)
    assert sum(p.numel() for p in empty.parameters()) == 5_973_552 + 365 * 1025


def test_shapes_without_arithmetic_are_those_of_a_real_pass_at_any_size(empty):
    torch.manual_seed(0)
    net = CaffeGoogLeNet(3).eval()
    seen = {}
    for name, module in net.named_children():
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out.shape[-2:]))
    with torch.no_grad():
        net(torch.rand(1, 3, 65, 50))
    shapes = dict(trace(empty, (65, 50)))
    names = [name for name in shapes if not name.startswith("loss3")]
    assert {name: shapes[name][-2:] for name in names} == {name: seen[name] for name in names}


def test_every_layer_of_a_block_has_its_name_in_caffe(empty):
    names = dict(empty.named_children())
    inside = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
    for block in BLOCKS:
        for name in (*inside, *(f"relu_{n}" for n in inside), "pool", "output"):
            assert f"inception_{block}/{name}" in names
    assert list(names)[-1] == "loss3/classifier"


def test_responses_are_normalized_across_five_channels_as_in_caffe():
    """x / (1 + alpha / 5 * sum of squares of the two channels on either side) ** beta, written as a loop."""
    torch.manual_seed(0)
    x = 200 * torch.randn(1, 12, 3, 2, dtype=torch.float64)
    found = CaffeGoogLeNet(2).get_submodule("pool1/norm1")(x)
    for c in range(12):
        square = x[:, max(0, c - 2) : c + 3].square().sum(1)
        assert torch.allclose(found[:, c], x[:, c] / (1 + 1e-4 / 5 * square) ** 0.75, rtol=1e-9)


@pytest.mark.parametrize("side", [5, 6, 7, 8])
def test_pooling_counts_a_last_window_that_is_not_full(side):
    x = torch.randn(1, 1, side, side)
    found = CaffeGoogLeNet(2).get_submodule("pool1/3x3_s2")(x)
    starts = range(0, side - 1, 2) if (side - 3) % 2 else range(0, side - 2, 2)
    expected = torch.stack([torch.stack([x[0, 0, i : i + 3, j : j + 3].max() for j in starts]) for i in starts])
    assert torch.equal(found[0, 0], expected)
