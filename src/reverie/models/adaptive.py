"""Any style in one pass: features of the embedded network, given the statistics of a style, decoded to a picture.

Statistics are all that is known of a style, and mixing them is all that blending and strength are: adaptive instance
normalization is linear in the target's mean and deviation. The decoder has no norms of its own, so that the only sums
over the whole picture are those of the encoder: a picture can be worked in tiles after one pass that adds them up.
Source: Huang & Belongie 2017, arXiv 1703.06868, equations 8, 9, 14 and 15.
Differs: features of two levels reach the decoder, the finer for detail; finer ones still were tried and left the
picture a photograph in other colors. The decoder's convolutions are modulated by a code of the style's statistics at
four levels, as in Dumoulin et al. 2017, arXiv 1610.07629.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = ("conv1", "conv2", "mixed3a", "mixed4a")  # of the embedded network, strides 1, 2, 4, 8
CHANNELS = (32, 64, 160, 320)
PASSED = (2, 3)  # indices of the levels whose features reach the decoder
STRIDE = 8
EPSILON = 1e-5  # added to variances, as instance normalization does
FAINT = 1e-2  # added to deviations before their logarithm: silent channels all look the same


@dataclass(frozen=True, eq=False)
class Statistics:
    """Means and deviations ``[B, C, 1, 1]`` of every level, float32."""

    mean: tuple[Tensor, ...]
    std: tuple[Tensor, ...]

    def toward(self, other: Statistics, share: float) -> Statistics:
        """Return statistics on the way to others: these at 0, those at 1."""
        return mixed((self, other), (1 - share, share))


def statistics_of(features: Sequence[Tensor]) -> Statistics:
    """Return the statistics of whole pictures' features ``[B, C, h, w]``, level by level."""
    found = [torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True) for x in features]
    return Statistics(tuple(m for _, m in found), tuple((v + EPSILON).sqrt() for v, _ in found))


def mixed(items: Sequence[Statistics], weights: Sequence[float]) -> Statistics:
    """Return weighted sums of statistics, level by level."""
    pairs = list(zip(items, weights, strict=True))
    levels = range(len(items[0].mean))

    def total(name: str) -> tuple[Tensor, ...]:
        return tuple(torch.stack([w * getattr(s, name)[i] for s, w in pairs]).sum(0) for i in levels)

    return Statistics(total("mean"), total("std"))


class Padded(nn.Conv2d):
    """A convolution that keeps the size, or divides it by its stride, mirroring at the border."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect")


class Modulated(nn.Module):
    """Convolution, gain and shift that follow the style's code, ReLU."""

    def __init__(self, inputs: int, outputs: int, code: int) -> None:
        super().__init__()
        self.conv = Padded(inputs, outputs)
        self.gain = nn.Linear(code, outputs)
        self.shift = nn.Linear(code, outputs)
        for layer in (self.gain, self.shift):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        gain, shift = (1 + self.gain(code))[..., None, None], self.shift(code)[..., None, None]
        return F.relu(self.conv(x) * gain + shift)


class Level(nn.Module):
    """What happens at one stride: finer features join, if any; two modulated convolutions, the second a residual."""

    def __init__(self, inputs: int, skip: int, width: int, code: int, joined: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(skip, joined, 1) if joined else None
        self.first = Modulated(inputs + joined, width, code)
        self.second = Modulated(width, width, code)

    def forward(self, x: Tensor | None, features: Tensor | None, code: Tensor) -> Tensor:
        parts = [] if x is None else [F.interpolate(x, scale_factor=2, mode="nearest")]
        if self.skip is not None and features is not None:
            parts.append(F.relu(self.skip(features)))
        x = self.first(torch.cat(parts, dim=1), code)
        return x + self.second(x, code)


class AdaptiveDecoder(nn.Module):
    """Decoder of features at four levels to a picture ``[B, 3, H, W]`` in [0, 1]; H and W are multiples of eight.

    Args:
        widths: channels at strides 1, 2, 4, 8.
        code: length of the code that modulates the convolutions.
    """

    def __init__(self, widths: Sequence[int] = (24, 48, 96, 160), code: int = 96) -> None:
        super().__init__()
        self.options = {"widths": list(widths), "code": code}
        self.encode = nn.Sequential(
            nn.Linear(2 * sum(CHANNELS), code), nn.LayerNorm(code), nn.ReLU(), nn.Linear(code, code), nn.ReLU()
        )
        inputs = (widths[1], widths[2], widths[3], 0)
        joined = (0, 0, 64, widths[3])
        self.levels = nn.ModuleList(Level(inputs[i], CHANNELS[i], widths[i], code, joined[i]) for i in range(4))
        self.paint = Padded(widths[0], 3)

    def forward(self, features: Sequence[Tensor], own: Statistics, target: Statistics) -> Tensor:
        """Return the picture whose features have the target's statistics instead of their own.

        Args:
            features: ``[B, C, h, w]`` of `LEVELS`; only those `PASSED` are looked at.
            own: statistics of the whole picture that they come from.
            target: those of the style.
        """
        code = self.encode(code_of(target))
        x: Tensor | None = None
        for i in reversed(range(4)):
            x = self.levels[i](x, restyled(features[i], own, target, i) if i in PASSED else None, code)
        assert x is not None
        return torch.sigmoid(self.paint(x))


def code_of(statistics: Statistics) -> Tensor:
    """Return ``[B, 2 * channels]``: all means, and the logarithms of all deviations."""
    spread = [(s + FAINT).log() for s in statistics.std]
    return torch.cat([x.flatten(1) for x in (*statistics.mean, *spread)], dim=1)


def restyled(features: Tensor, own: Statistics, target: Statistics, level: int) -> Tensor:
    """Return the features of a level with the target's mean and deviation."""
    gain = target.std[level] / own.std[level]
    shift = target.mean[level] - own.mean[level] * gain
    return features * gain.to(features) + shift.to(features)
