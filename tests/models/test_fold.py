"""Folding must not change the function: outputs are compared in float64, where only a wrong formula shows."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reverie.models.classifier import STAGES, RepConv, StagedClassifier
from reverie.models.fold import fold_batchnorm, fused_rep
from reverie.weights.vision import torchvision

PICTURES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def norms(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]


def folded_and_not(net: nn.Module) -> tuple[torch.Tensor, torch.Tensor, int]:
    net = net.double()
    with torch.no_grad():
        before = net(PICTURES)
        count = fold_batchnorm(net, torch.zeros(1, 3, 64, 64, dtype=torch.float64))
        return before, net(PICTURES), count


def assert_same(one: torch.Tensor, other: torch.Tensor) -> None:
    assert torch.isfinite(one).all()
    assert one.std() > 0
    assert (one - other).abs().max() < 1e-9 * one.abs().max()


@pytest.mark.parametrize("architecture", sorted(STAGES))
def test_the_embedded_family_computes_the_same_without_any_batchnorm(architecture, make_trained_like):
    net = make_trained_like(StagedClassifier(STAGES[architecture], 7))
    one, other, count = folded_and_not(net)
    assert_same(one, other)
    assert count > 0
    assert norms(net) == []


@pytest.mark.parametrize(
    ("architecture", "left"),
    [("resnet18", 0), ("googlenet", 0), ("mobilenet_v2", 0), ("densenet121", 62)],
)
def test_torchvision_networks_compute_the_same(architecture, left, make_trained_like):
    options = {"init_weights": False, "aux_logits": False} if architecture == "googlenet" else {}
    net = make_trained_like(getattr(torchvision().models, architecture)(weights=None, num_classes=7, **options))
    one, other, _ = folded_and_not(net)
    assert_same(one, other)
    assert len(norms(net)) == left  # DenseNet's norms that read concatenated features have no convolution before them


def test_folding_keeps_every_name():
    net = StagedClassifier(STAGES["vgg"], 3).eval()
    before = set(dict(net.named_modules()))
    fold_batchnorm(net, torch.zeros(1, 3, 64, 64))
    assert set(dict(net.named_modules())) == before


def test_stages_of_rep_keep_their_names(make_trained_like):
    net = make_trained_like(StagedClassifier(STAGES["rep"], 3))
    fold_batchnorm(net, torch.zeros(1, 3, 64, 64))
    assert set(net.stage_names) <= set(dict(net.stages.named_children()))


@pytest.mark.parametrize(("width", "stride"), [(8, 1), (8, 2), (12, 1)])
def test_a_fused_rep_block_equals_its_three_branches(width, stride, make_trained_like):
    block = make_trained_like(RepConv(8, width, stride)).double()
    assert (block.bn0 is not None) == (width == 8 and stride == 1)
    x = torch.randn(2, 8, 9, 11, dtype=torch.float64)
    fused = fused_rep(block)
    assert [type(m) for m in fused] == [nn.Conv2d, nn.ReLU]
    assert torch.allclose(fused(x), block(x), atol=1e-12)


class PreActivation(nn.Module):
    """The convolution's output feeds a BatchNorm and a shortcut: folding would change the shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = self.conv1(x)
        return self.bn2(self.conv2(F.relu(self.bn1(shortcut)))) + shortcut


class Shared(nn.Module):
    """One BatchNorm behind two convolutions, one convolution before two BatchNorms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.bn1 = nn.Conv2d(3, 6, 3), nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
        self.conv3, self.bn3, self.bn4 = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both = self.conv3(x)
        return self.bn1(self.conv1(x)) + self.bn1(self.conv2(x)) + self.bn3(both) * self.bn4(both)


class Listed(nn.Module):
    """The convolution's output is also concatenated, as DenseNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.conv1(x)
        return torch.cat([out, self.bn1(out)], 1)


@pytest.mark.parametrize(("kind", "count"), [(PreActivation, 1), (Shared, 0), (Listed, 0)])
def test_a_convolution_that_others_read_too_is_left_alone(kind, count, make_trained_like):
    one, other, folded = folded_and_not(make_trained_like(kind()))
    assert_same(one, other)
    assert folded == count


def test_batchnorm_without_affine_and_convolutions_with_bias_groups_and_stride(make_trained_like):
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, bias=True), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.Conv2d(8, 8, 3, groups=4, bias=False), nn.BatchNorm2d(8),
    )  # fmt: skip
    make_trained_like(net)
    statistics = net[4]
    net[4] = nn.BatchNorm2d(8, affine=False).eval()
    net[4].running_mean, net[4].running_var = statistics.running_mean, statistics.running_var
    one, other, folded = folded_and_not(net)
    assert_same(one, other)
    assert folded == 2
