"""The embedded family: small classifiers made to be dreamt with, written as stages with readable names.

Four kinds share one skeleton (stages, global mean, dropout, linear) and differ in their blocks:

* ``inception``: parallel 1x1, 3x3, double 3x3 and pooled branches (Szegedy et al. 2014, arXiv 1409.4842;
  batch normalization as in Ioffe & Szegedy 2015, arXiv 1502.03167).
* ``inception2``: the widths and strides of GoogLeNet (table 1 of Szegedy et al. 2014) with narrower bottlenecks, so
  that every stage can learn the features of the same stage there; response normalization as in Krizhevsky et al. 2012.
* ``vgg``: plain 3x3 convolutions (Simonyan & Zisserman 2014, arXiv 1409.1556).
* ``rep``: 3x3 + 1x1 + identity while training, one plain 3x3 afterwards (Ding et al. 2021, arXiv 2101.03697).

Every convolution is followed by BatchNorm, which `reverie.models.fold` folds away before dreaming.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.caffe_googlenet import ResponseNorm

Kind = Literal["conv", "inception", "rep"]
Pool = Literal["none", "max", "mean", "ceil"]  # ceil: a last window that is not full counts, as in Caffe
RESPONSE_ALPHA = 0.4096  # Caffe's 1e-4 for values 64 times as large: these stay near 1, which half precision can hold


@dataclass(frozen=True)
class Stage:
    """One named stage: what it is called, what block it is, how wide, and how it halves the picture first.

    Attributes:
        name: of the layer.
        kind: of its block.
        width: channels that leave it.
        pool: how the picture is halved before it.
        stride: of its convolution.
        kernel: side of its convolution.
        branches: of an inception block: channels of 1x1; 1x1 and 3x3; 1x1 and 5x5; pooled 1x1. Of a convolution: of
            the 1x1 before it. Empty: shared out from `width`.
        respond: whether neighboring channels are normalized "before" or "after" the pooling.
    """

    name: str
    kind: Kind
    width: int
    pool: Pool = "none"
    stride: int = 1
    kernel: int = 3
    branches: tuple[int, ...] = ()
    respond: Literal["", "before", "after"] = ""


class ConvBN(nn.Sequential):
    """Convolution without bias, BatchNorm, ReLU; spatial size kept (divided by `stride`)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)


class Inception(nn.Module):
    """Four branches side by side, concatenated along channels.

    The width is shared out as 1/4 (1x1), 3/8 (3x3), 1/4 (two 3x3), 1/8 (pooled), each rounded to a multiple of 8.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        one, double, pooled = (_multiple_of_8(width * share) for share in (1 / 4, 1 / 4, 1 / 8))
        three = width - one - double - pooled
        reduce_three, reduce_double = _multiple_of_8(three * 0.67), _multiple_of_8(double * 0.5)
        self.branch1 = ConvBN(in_channels, one, 1)
        self.branch3 = nn.Sequential(ConvBN(in_channels, reduce_three, 1), ConvBN(reduce_three, three))
        self.branch5 = nn.Sequential(
            ConvBN(in_channels, reduce_double, 1), ConvBN(reduce_double, double), ConvBN(double, double)
        )
        self.branch_pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvBN(in_channels, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch3(x), self.branch5(x), self.branch_pool(x)], dim=1)


class Branches(nn.Module):
    """An inception block whose branches are given by their widths: 1x1 | 1x1-3x3 | 1x1-5x5 | max-pool-1x1."""

    def __init__(self, in_channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        one, reduce_three, three, reduce_five, five, pooled = widths
        self.branch1 = ConvBN(in_channels, one, 1)
        self.branch3 = nn.Sequential(ConvBN(in_channels, reduce_three, 1), ConvBN(reduce_three, three))
        self.branch5 = nn.Sequential(ConvBN(in_channels, reduce_five, 1), ConvBN(reduce_five, five, 5))
        self.branch_pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvBN(in_channels, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch3(x), self.branch5(x), self.branch_pool(x)], dim=1)


class RepConv(nn.Module):
    """3x3 + 1x1 + identity, each with its own BatchNorm, summed before one ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv3 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 1, stride, 0, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.bn0 = nn.BatchNorm2d(out_channels) if in_channels == out_channels and stride == 1 else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn3(self.conv3(x)) + self.bn1(self.conv1(x))
        return self.relu(out if self.bn0 is None else out + self.bn0(x))


class Downsample(nn.Module):
    """Halve the picture: 3x3 maximum, or the binomial mean [1 2 1] x [1 2 1] / 16 (no aliasing, smooth gradient)."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        if self.pool == "mean3":  # stands in for "max" where a receptive field is measured
            return F.avg_pool2d(x, 3, 2, 1)
        if self.pool == "max":
            return F.max_pool2d(x, 3, 2, 1, ceil_mode=False)
        padded = F.pad(x, (1, 0, 1, 0), mode="replicate")
        return F.avg_pool2d(F.avg_pool2d(padded, 2, 1), 2, 2)

    def extra_repr(self) -> str:
        return self.pool


class StagedClassifier(nn.Module):
    """Stages by name, then global mean, dropout and a linear layer called ``logits``.

    Input ``[B, 3, H, W]`` already normalized by the description's mean and std; output ``[B, classes]`` logits.
    """

    def __init__(self, stages: tuple[Stage, ...], classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        channels = 3
        self.stages = nn.Sequential()
        for stage in stages:
            for name, module in _between(stage):
                self.stages.add_module(f"{name}_{stage.name}", module)
            self.stages.add_module(stage.name, _block(stage, channels))
            channels = stage.width
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(channels, classes)
        self.stage_names = tuple(stage.name for stage in stages)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.dropout(self.stages(x).mean(dim=(2, 3))))


def _between(stage: Stage) -> list[tuple[str, nn.Module]]:
    """Return the modules before a stage: pooling, and the normalization on either side of it."""
    found: list[tuple[str, nn.Module]] = []
    if stage.pool != "none":
        ceil = stage.pool == "ceil"
        found.append(("pool", nn.MaxPool2d(3, 2, ceil_mode=True) if ceil else Downsample(stage.pool)))
    if stage.respond:
        found.insert(0 if stage.respond == "before" else 1, ("respond", ResponseNorm(RESPONSE_ALPHA)))
    return found


def _block(stage: Stage, in_channels: int) -> nn.Module:
    if stage.kind == "inception":
        return Branches(in_channels, stage.branches) if stage.branches else Inception(in_channels, stage.width)
    if stage.kind == "rep":
        return RepConv(in_channels, stage.width, stage.stride)
    if stage.branches:
        (reduced,) = stage.branches
        return nn.Sequential(ConvBN(in_channels, reduced, 1), ConvBN(reduced, stage.width, stage.kernel, stage.stride))
    return ConvBN(in_channels, stage.width, stage.kernel, stage.stride)


def _multiple_of_8(value: float) -> int:
    return max(8, round(value / 8) * 8)


STAGES: dict[str, tuple[Stage, ...]] = {
    "inception": (
        Stage("conv1", "conv", 32),
        Stage("conv2", "conv", 64, stride=2),
        Stage("conv3", "conv", 80),
        Stage("mixed3a", "inception", 160, pool="max"),
        Stage("mixed3b", "inception", 224),
        Stage("mixed4a", "inception", 320, pool="max"),
        Stage("mixed4b", "inception", 384),
        Stage("mixed4c", "inception", 448),
        Stage("mixed5a", "inception", 640, pool="max"),
        Stage("mixed5b", "inception", 704),
    ),
    "inception2": (
        Stage("conv1", "conv", 64, stride=2, kernel=7),
        Stage("conv2", "conv", 192, pool="ceil", branches=(64,), respond="after"),
        Stage("mixed3a", "inception", 256, pool="ceil", branches=(64, 96, 128, 24, 32, 32), respond="before"),
        Stage("mixed3b", "inception", 480, branches=(128, 128, 192, 32, 96, 64)),
        Stage("mixed4a", "inception", 512, pool="ceil", branches=(192, 96, 208, 24, 48, 64)),
        Stage("mixed4b", "inception", 512, branches=(160, 112, 224, 24, 64, 64)),
        Stage("mixed4c", "inception", 512, branches=(128, 128, 256, 24, 64, 64)),
        Stage("mixed4d", "inception", 528, branches=(112, 144, 288, 32, 64, 64)),
        Stage("mixed4e", "inception", 832, branches=(256, 144, 320, 32, 128, 128)),
        Stage("mixed5a", "inception", 832, pool="ceil", branches=(256, 144, 320, 32, 128, 128)),
        Stage("mixed5b", "inception", 1024, branches=(384, 144, 384, 40, 128, 128)),
    ),
    "vgg": (
        Stage("conv1_1", "conv", 32),
        Stage("conv2_1", "conv", 64, stride=2),
        Stage("conv2_2", "conv", 64),
        Stage("conv3_1", "conv", 128, pool="mean"),
        Stage("conv3_2", "conv", 128),
        Stage("conv4_1", "conv", 224, pool="mean"),
        Stage("conv4_2", "conv", 224),
        Stage("conv4_3", "conv", 224),
        Stage("conv5_1", "conv", 320, pool="mean"),
        Stage("conv5_2", "conv", 320),
    ),
    "rep": (
        Stage("conv1", "conv", 32),
        Stage("conv2", "conv", 64, stride=2),
        Stage("rep2a", "rep", 64),
        Stage("rep3a", "rep", 128, pool="mean"),
        Stage("rep3b", "rep", 128),
        Stage("rep3c", "rep", 128),
        Stage("rep4a", "rep", 224, pool="mean"),
        Stage("rep4b", "rep", 224),
        Stage("rep4c", "rep", 224),
        Stage("rep5a", "rep", 320, pool="mean"),
        Stage("rep5b", "rep", 320),
    ),
}
