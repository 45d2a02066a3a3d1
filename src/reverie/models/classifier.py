"""The embedded family: small classifiers made to be dreamt with, written as stages with readable names.

Three kinds share one skeleton (stages, global mean, dropout, linear) and differ only in their block:

* ``inception``: parallel 1x1, 3x3, double 3x3 and pooled branches (Szegedy et al. 2014, arXiv 1409.4842;
  batch normalization as in Ioffe & Szegedy 2015, arXiv 1502.03167).
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

Kind = Literal["conv", "inception", "rep"]
Pool = Literal["none", "max", "mean"]


@dataclass(frozen=True)
class Stage:
    """One named stage: what it is called, what block it is, how wide, and how it halves the picture first."""

    name: str
    kind: Kind
    width: int
    pool: Pool = "none"
    stride: int = 1


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
            if stage.pool != "none":
                self.stages.add_module(f"pool_{stage.name}", Downsample(stage.pool))
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


def _block(stage: Stage, in_channels: int) -> nn.Module:
    if stage.kind == "inception":
        return Inception(in_channels, stage.width)
    if stage.kind == "rep":
        return RepConv(in_channels, stage.width, stage.stride)
    return ConvBN(in_channels, stage.width, 3, stage.stride)


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
