"""The discriminator: residual blocks that halve the picture, the spread of a minibatch, one number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.generator import block_name, normalized
from reverie.models.stylegan2.layers import Blur, Dense, PlainConv, exact


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """Its shape; `channels` from the coarsest stage on, as the generator's.

    Attributes:
        channels: widths.
        base: height and width of the coarsest stage.
        colors: of the pictures.
        c_dim: classes; 0 for none.
        group: pictures whose spread is compared; 0 leaves that out.
        kernel: of the blur.
    """

    channels: tuple[int, ...]
    base: tuple[int, int] = (4, 4)
    colors: int = 3
    c_dim: int = 0
    group: int = 4
    kernel: tuple[float, ...] = (1, 3, 3, 1)


def matching(config: GeneratorConfig) -> DiscriminatorConfig:
    """Return the discriminator that belongs to a generator."""
    return DiscriminatorConfig(
        channels=config.channels, base=config.base, colors=config.colors, c_dim=config.c_dim, kernel=config.kernel
    )


class ResidualBlock(nn.Module):
    """Halve: conv0, conv1 down, beside a blurred 1x1."""

    def __init__(self, inputs: int, outputs: int, blur: Blur, colors: int | None) -> None:
        super().__init__()
        half = math.sqrt(0.5)
        if colors is not None:
            self.fromrgb = PlainConv(colors, inputs, 1)
        self.colored = colors is not None
        self.conv0 = PlainConv(inputs, inputs, 3)
        self.conv1 = PlainConv(inputs, outputs, 3, blur, "down", gain=half)
        self.skip = PlainConv(inputs, outputs, 1, blur, "down", bias=False, gain=half)

    def forward(self, x: Tensor) -> Tensor:
        if self.colored:
            x = self.fromrgb(x)
        return self.conv1(self.conv0(x)) + self.skip(x)


class Last(nn.Module):
    """The coarsest stage: spread of the minibatch, convolution, two dense layers."""

    def __init__(self, config: DiscriminatorConfig, out: int) -> None:
        super().__init__()
        width, self.group = config.channels[0], config.group
        self.conv = PlainConv(width + (1 if config.group else 0), width, 3)
        self.fc = Dense(width * config.base[0] * config.base[1], width, active=True)
        self.out = Dense(width, out)

    def forward(self, x: Tensor) -> Tensor:
        if self.group:
            x = torch.cat([x, spread_map(x, self.group)], 1)
        return self.out(self.fc(self.conv(x).flatten(1)))


def spread_map(x: Tensor, group: int) -> Tensor:
    """Return ``[B, 1, h, w]``: the mean standard deviation over groups of pictures, the same everywhere.

    Source: Karras et al. 2018, arXiv 1710.10196, section 3. `group` is made smaller where it does not divide B.
    """
    count = len(x)
    group = max(n for n in range(1, min(group, count) + 1) if count % n == 0)
    y = exact(x).reshape(group, -1, *x.shape[1:])
    deviation = (y.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))
    return deviation.to(x.dtype).repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])


class Discriminator(nn.Module):
    """Pictures ``[B, colors, H, W]`` in [-1, 1] to scores ``[B, 1]``, high for real ones.

    With classes the score is that of the class: features dot its embedding (Miyato & Koyama 2018, arXiv 1802.05637).
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.blur = Blur(config.kernel)
        stages = len(config.channels)
        for stage in range(stages - 1, 0, -1):
            colors = config.colors if stage == stages - 1 else None
            block = ResidualBlock(config.channels[stage], config.channels[stage - 1], self.blur, colors)
            self.add_module(block_name(stage), block)
        width = config.channels[0]
        if config.c_dim:
            self.mapping = nn.Sequential(Dense(config.c_dim, width, active=True), Dense(width, width))
        self.b4 = Last(config, width if config.c_dim else 1)

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        x = images
        for stage in range(len(self.config.channels) - 1, 0, -1):
            x = self.get_submodule(block_name(stage))(x)
        out = self.b4(x)
        if not self.config.c_dim:
            return out
        assert classes is not None
        embedded = normalized(self.mapping(classes))
        return (out * embedded).sum(1, keepdim=True) / math.sqrt(out.shape[1])
