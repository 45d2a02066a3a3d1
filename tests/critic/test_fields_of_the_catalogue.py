"""Receptive fields of every architecture on offer, and of layers that level or cap what passes through them."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from quick_values import quick_values
from reverie.critic.families import FAMILIES
from reverie.critic.layers import list_layers, receptive_field, smallest_side
from reverie.critic.run import run_until
from reverie.errors import GradientError
from reverie.models.build import NAMED, build_classifier, shapes_only

QUICK = ("alexnet", "googlenet", "nin", "resnet18", "squeezenet1_1", "vgg11")


def field(net: nn.Module, path: str, stride: int = 1, least_px: int = 1):
    return receptive_field(net, lambda copied, images: run_until(copied, images, [path])[path], stride, least_px)


@pytest.mark.parametrize("architecture", quick_values(NAMED, QUICK))
def test_the_default_and_the_deepest_layer_have_a_field(architecture):
    with shapes_only():
        net = build_classifier(architecture, 5).eval()
    alias, least = FAMILIES[architecture].alias(net), smallest_side(net)
    spatial = [x for x in list_layers(net, 299, alias) if x.stride and x.name in alias]
    default = next(x for x in spatial if x.name == FAMILIES[architecture].default_layers[0])
    shallow, middle, deep = (field(net, x.path, x.stride, least) for x in (spatial[0], default, spatial[-1]))
    assert 3 <= shallow.full_px <= 11
    assert shallow.full_px < middle.full_px <= deep.full_px
    assert middle.effective_px > default.stride


def chain(*between: nn.Module) -> nn.Sequential:
    """Return two convolutions of 3 x 3, field 5, with something between them."""
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *between, nn.Conv2d(8, 8, 3, padding=1))


class Summed(nn.Module):
    """Adds what it computes to its input, twenty times over: values grow a millionfold."""

    def __init__(self, activation) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(20))
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = x + self.activation(conv(x))
        return x


@pytest.mark.parametrize(
    "between",
    [
        nn.ReLU6(), nn.Hardtanh(), nn.Hardswish(), nn.SiLU(), nn.GELU(), nn.Sigmoid(), nn.GroupNorm(4, 8),
        nn.InstanceNorm2d(8, affine=True), nn.BatchNorm2d(8), nn.LocalResponseNorm(5), Summed(F.relu6),
        Summed(nn.ReLU6()),
    ],
    ids=lambda m: type(m).__name__,
)  # fmt: skip
def test_what_levels_or_caps_its_input_leaves_the_field_alone(between):
    assert field(chain(between), "2").full_px == 5


def test_layers_normalized_over_channels_keep_their_field():
    class OverChannels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    assert field(chain(OverChannels()), "2").full_px == 5


def test_a_network_wider_than_the_strip_is_measured_on_a_wider_one():
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(4, 4, 70, bias=False))
    assert smallest_side(net) == 141
    with pytest.raises(RuntimeError):
        field(net, "1", 2)
    assert field(net, "1", 2, 141).full_px == 141


def test_a_layer_that_ignores_the_picture_is_an_error():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Threshold(1e9, 0.0))
    with pytest.raises(GradientError, match="no gradient reaches"):
        field(net, "1")


def test_measuring_leaves_the_network_as_it_was():
    net = chain(nn.ReLU6(), nn.GroupNorm(4, 8)).to(torch.bfloat16)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    field(net, "3")
    assert all(
        torch.equal(before[name], value) and value.dtype == torch.bfloat16 for name, value in net.state_dict().items()
    )
    assert [type(m) for m in net] == [nn.Conv2d, nn.ReLU6, nn.GroupNorm, nn.Conv2d]
