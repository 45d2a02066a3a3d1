"""The generator: a mapping network from z to w, and blocks that draw a picture from w."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.layers import Blur, Dense, PlainConv, StyleConv, ToColors, exact
from reverie.models.stylegan2.lucidrains import LucidrainsSynthesis, NoisyConv
from reverie.models.stylegan2.stylegan3 import AliasFreeSynthesis, FilteredConv

Noise = Literal["const", "none"] | torch.Generator | Sequence[Tensor]
"""What layers add: the maps inside the network, nothing, new ones, or one ``[h, w]`` or ``[B, 1, h, w]`` per layer."""

TILED_FROM_PX = 256  # smaller networks are quick enough, and draw the bytes that they always drew
CENTER_SAMPLES = 4096  # w whose mean is the center of a class


class Mapping(nn.Module):
    """z ``[B, z_dim]`` (and classes, one-hot ``[B, c_dim]``) to w ``[B, w_dim]``."""

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        together = config.labels == "concat"
        inputs = config.z_dim
        if config.c_dim:
            embed = config.z_dim if together else config.embed_dim
            self.embed = Dense(config.c_dim, embed, bias=None if together else 0.0)
            if together:
                self.embed.gain = 1.0
            inputs += embed
        widths = [inputs, *[config.mapping_width] * (config.mapping_layers - 1), config.w_dim]
        for i in range(config.mapping_layers):
            self.add_module(f"fc{i}", Dense(widths[i], widths[i + 1], lr=config.mapping_lr, active=True))
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """Return w ``[B, w_dim]``; `classes` None means all of them equally where the network has classes."""
        x = z
        if self.config.c_dim:
            if classes is None:
                classes = z.new_full((len(z), self.config.c_dim), 1 / self.config.c_dim)
            embedded = self.embed(classes)
            if self.config.labels == "concat":
                x = normalized(torch.cat([x, embedded], 1))
            else:
                x = torch.cat([normalized(x), normalized(embedded)], 1)
        else:
            x = normalized(x)
        for i in range(self.config.mapping_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x


def normalized(x: Tensor) -> Tensor:
    """Return rows of mean square 1."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class Block(nn.Module):
    """One size: conv0 (doubling), conv1, colors.

    Args:
        config: of the generator.
        stage: 0 for the constant.
        blur: shared by all blocks.
    """

    def __init__(self, config: GeneratorConfig, stage: int, blur: Blur) -> None:
        super().__init__()
        out, size, last = config.channels[stage], config.stage_size(stage), stage == config.stages - 1
        noise, clamp, w_dim = config.noise, config.clamp, config.w_dim
        self.resnet, self.first = config.architecture == "resnet", stage == 0
        if self.first:
            self.const = nn.Parameter(torch.randn(out, *size))
            self.start = Dense(w_dim, self.const.numel(), bias=None) if config.start == "latent" else None
        else:
            before = config.channels[stage - 1]
            self.conv0 = StyleConv(before, out, w_dim, size, blur, noise, clamp)
            if self.resnet:
                self.skip = PlainConv(before, out, 1, blur, "up", bias=False, gain=math.sqrt(0.5))
        self.conv1 = StyleConv(out, out, w_dim, size, None, noise, clamp)
        self.colored = last or config.architecture == "skip"
        if self.colored:
            self.torgb = ToColors(out, config.colors, w_dim, clamp)

    def begin(self, w: Tensor) -> Tensor:
        """Return what the first block draws on ``[B, C, h, w]``: the constant, and what w adds to it if it does."""
        start = self.const[None].expand(len(w), -1, -1, -1)
        return start if self.start is None else start + self.start(w).view(start.shape)

    def forward(self, x: Tensor, ws: Sequence[Tensor], noises: Iterator[Tensor | None]) -> tuple[Tensor, Tensor | None]:
        """Return activations and, if this block has them, colors; `ws` are those of conv0, conv1 and colors."""
        if self.first:
            x = self.conv1(x, ws[0], next(noises))
            return x, self.torgb(x, ws[1]) if self.colored else None
        y = self.skip(x) if self.resnet else None
        x = self.conv0(x, ws[0], next(noises))
        x = self.conv1(x, ws[1], next(noises), gain=math.sqrt(0.5) if self.resnet else 1.0)
        if y is not None:
            x = x + y
        return x, self.torgb(x, ws[2]) if self.colored else None


class Synthesis(nn.Module):
    """ws ``[B, num_ws, w_dim]`` to pictures ``[B, colors, H, W]``, about [-1, 1]."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.blur = Blur(config.kernel)
        for stage in range(config.stages):
            self.add_module(block_name(stage), Block(config, stage, self.blur))

    def set_kernel(self, taps: Sequence[float]) -> None:
        """Set the blur; needed anew after a network was built without memory."""
        self.blur.set(taps)

    @property
    def blocks(self) -> list[Block]:
        """From the coarsest on."""
        return [self.get_submodule(block_name(stage)) for stage in range(self.config.stages)]  # type: ignore[misc]

    @property
    def convolutions(self) -> list[StyleConv]:
        """Those that take noise, in order."""
        found = [(b.conv1,) if b.first else (b.conv0, b.conv1) for b in self.blocks]
        return [conv for convs in found for conv in convs]

    @property
    def styled(self) -> list[StyleConv]:
        """Those that a style changes, in order; colors left out."""
        return self.convolutions

    def forward(self, ws: Tensor, noise: Noise = "const", dtype: torch.dtype | None = None) -> Tensor:
        """Return pictures, float32; see `Noise`.

        The activations are of `dtype`, by default that of ws; those of the first blocks stay as exact as ws, see
        `GeneratorConfig.exact_stages`.
        """
        images = None
        for _, colors in self.stepwise(ws, noise, dtype):
            images = colors
        assert images is not None
        return images

    def stepwise(
        self, ws: Tensor, noise: Noise = "const", dtype: torch.dtype | None = None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield each block's activations and the picture so far; the next block is computed when it is asked for."""
        first, images = self.blocks[0], None
        x = first.begin(ws[:, 0]).contiguous(memory_format=torch.channels_last)
        noises, number = iter(self._noises(noise, ws)), 0
        for stage, block in enumerate(self.blocks):
            convs = 1 if block.first else 2
            x = x.to(ws.dtype if dtype is None or stage < self.config.exact_stages else dtype)
            x, colors = block(x, [ws[:, min(number + i, ws.shape[1] - 1)] for i in range(convs + 1)], noises)
            number += convs
            if images is not None:
                images = self.blur.doubled(images)
            if colors is not None:
                images = exact(colors) if images is None else images + exact(colors)
            yield x, images

    def _noises(self, noise: Noise, ws: Tensor) -> list[Tensor | None]:
        convs = self.convolutions
        if not self.config.noise or noise == "none":
            return [None] * len(convs)
        if noise == "const":
            return [conv.noise_const for conv in convs]
        if isinstance(noise, torch.Generator):
            sizes = [(len(ws), 1, *conv.size) for conv in convs]
            return [torch.randn(s, generator=noise, device=noise.device).to(ws) for s in sizes]
        return list(noise)


class Generator(nn.Module):
    """StyleGAN2's generator, or one of its kin.

    Args:
        config: its shape.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        kinds = {"lucidrains": LucidrainsSynthesis, "stylegan3": AliasFreeSynthesis}
        self.synthesis = kinds.get(config.architecture, Synthesis)(config)

    def forward(self, z: Tensor, classes: Tensor | None = None, noise: Noise = "const") -> Tensor:
        """Return pictures ``[B, colors, H, W]`` for z ``[B, z_dim]``, without truncation."""
        return self.synthesis(self.spread(self.mapping(z, classes)), noise)

    def spread(self, w: Tensor) -> Tensor:
        """Return one w for all layers: ``[B, w_dim]`` to ``[B, num_ws, w_dim]``."""
        return w[:, None].expand(-1, self.config.num_ws, -1)

    def prepared(self) -> Generator:
        """Return it ready to draw: no gradients of weights, tables of them, channels last."""
        self.eval().requires_grad_(False)
        by_tiles = max(self.config.size) >= TILED_FROM_PX
        for layer in self.modules():
            if isinstance(layer, (StyleConv, ToColors, NoisyConv, FilteredConv)):
                layer.prepare(by_tiles=by_tiles)
        return self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def without_loops(self) -> Generator:
        """Return it so that tiles are computed by matrix products, as in earlier results: other in the last bits."""
        for layer in self.modules():
            if isinstance(layer, StyleConv):
                layer.in_loops = False
        return self

    @torch.no_grad()
    def center(self, classes: Tensor | None = None) -> Tensor:
        """Return the w ``[w_dim]`` that truncation draws to: the stored mean, or the mean of a class ``[c_dim]``."""
        if classes is None or not self.config.c_dim:
            return self.mapping.w_avg
        z = torch.randn(CENTER_SAMPLES, self.config.z_dim, generator=torch.Generator().manual_seed(0))
        return self.mapping(z.to(classes), classes.expand(CENTER_SAMPLES, -1)).mean(0)


def block_name(stage: int) -> str:
    """Return "b4", "b8", ... ."""
    return f"b{4 << stage}"
