"""The synthesis network of lucidrains' stylegan2-pytorch, for generators that were trained with it.

Its mapping network is StyleGAN2's once constant factors are put into the weights. Its synthesis is not: sizes double by
bilinear interpolation, noise is uniform in [0, 1) with a strength per channel, colors are blurred by [1, 2, 1] as they
grow, leaky ReLU has no gain, and pictures are in [0, 1]. Names of tensors are those of StyleGAN2 here, but for

    synthesis.start.weight [C0, C0, 3, 3]  .bias [C0]    a convolution of the constant
    synthesis.b4.conv0.*                                 every block has two convolutions
    conv: .noise_strength [O]                            torgb has no bias

Source: github.com/lucidrains/stylegan2-pytorch 1.9.0 (MIT), by its arithmetic; Karras et al. 2019, arXiv 1912.04958.
Differs: each convolution may have a w of its own, as in StyleGAN2; there one w serves a whole block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.layers import EPSILON, SLOPE, Dense


class NoisyConv(nn.Module):
    """Modulated 3x3 convolution with demodulation, noise and bias per channel, leaky ReLU without gain."""

    noise_const: Tensor
    energy: Tensor | None

    def __init__(self, inputs: int, outputs: int, w_dim: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.affine = Dense(w_dim, inputs, bias=1.0)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(outputs))
        self.size = size
        self.register_buffer("noise_const", torch.rand(size))
        self.register_buffer("energy", None, persistent=False)

    def prepare(self, *, by_tiles: bool) -> None:
        """Keep sums of squares of the weights; it has no form by tiles."""
        self.energy = self.weight.float().square().sum((2, 3))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Return activations ``[B, O, h, w]``; `noise` is ``[h, w]`` or ``[B, 1, h, w]``, None for none."""
        style = self.affine(w)
        energy = self.weight.square().sum((2, 3)) if self.energy is None else self.energy
        scale = (style.square() @ energy.T + EPSILON).rsqrt()
        x = F.conv2d(x * style.to(x.dtype)[:, :, None, None], self.weight.to(x.dtype), padding=1)
        bias = self.bias[:, None, None]
        if noise is not None:
            bias = bias + noise * self.noise_strength[:, None, None]
        return F.leaky_relu(x * scale.to(x.dtype)[:, :, None, None] + bias.to(x.dtype), SLOPE)


class Colors(nn.Module):
    """Modulated 1x1 convolution without demodulation or bias."""

    def __init__(self, inputs: int, colors: int, w_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(colors, inputs, 1, 1))
        self.affine = Dense(w_dim, inputs, bias=1.0)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return colors ``[B, colors, h, w]``."""
        return F.conv2d(x * self.affine(w).to(x.dtype)[:, :, None, None], self.weight.to(x.dtype))


class NoisyBlock(nn.Module):
    """One size: doubling but for the first, two convolutions, colors."""

    def __init__(self, config: GeneratorConfig, stage: int) -> None:
        super().__init__()
        out, size = config.channels[stage], config.stage_size(stage)
        before = config.channels[max(stage - 1, 0)]
        self.first = stage == 0
        if self.first:
            self.const = nn.Parameter(torch.randn(out, *size))
        self.conv0 = NoisyConv(before, out, config.w_dim, size)
        self.conv1 = NoisyConv(out, out, config.w_dim, size)
        self.torgb = Colors(out, config.colors, config.w_dim)

    def forward(self, x: Tensor, ws: Sequence[Tensor], noises: Sequence[Tensor | None]) -> tuple[Tensor, Tensor]:
        """Return activations and colors; `ws` are those of conv0, conv1 and colors."""
        if not self.first:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = self.conv1(self.conv0(x, ws[0], noises[0]), ws[1], noises[1])
        return x, self.torgb(x, ws[2])


class LucidrainsSynthesis(nn.Module):
    """ws ``[B, num_ws, w_dim]`` to pictures ``[B, colors, H, W]``, about [-1, 1]."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.start = nn.Conv2d(config.channels[0], config.channels[0], 3, padding=1)
        for stage in range(config.stages):
            self.add_module(f"b{4 << stage}", NoisyBlock(config, stage))

    @property
    def blocks(self) -> list[NoisyBlock]:
        """From the coarsest on."""
        return [self.get_submodule(f"b{4 << stage}") for stage in range(self.config.stages)]  # type: ignore[misc]

    @property
    def convolutions(self) -> list[NoisyConv]:
        """Those that take noise, in order."""
        return [conv for block in self.blocks for conv in (block.conv0, block.conv1)]

    @property
    def styled(self) -> list[NoisyConv]:
        """Those that a style changes, in order; colors left out."""
        return self.convolutions

    def set_kernel(self, taps: Sequence[float]) -> None:
        """Do nothing: the blur here is always the same."""

    def forward(
        self, ws: Tensor, noise: str | torch.Generator | Sequence[Tensor] = "const", dtype: torch.dtype | None = None
    ) -> Tensor:
        """Return pictures; as `reverie.models.stylegan2.generator.Synthesis`."""
        images = None
        for _, colors in self.stepwise(ws, noise, dtype):
            images = colors
        assert images is not None
        return images

    def stepwise(
        self, ws: Tensor, noise: str | torch.Generator | Sequence[Tensor] = "const", dtype: torch.dtype | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each block's activations and the picture so far; the next block is computed when it is asked for."""
        dtype = dtype or ws.dtype
        noises, colors = self._noises(noise, ws), None
        x = self.start(self.blocks[0].const[None].to(self.start.weight.dtype)).to(dtype).expand(len(ws), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        for number, block in enumerate(self.blocks):
            first = max(2 * number - 1, 0)
            places = (first, 2 * number, 2 * number + 1)
            x, made = block(x, [ws[:, min(i, ws.shape[1] - 1)] for i in places], noises[2 * number : 2 * number + 2])
            colors = made.float() if colors is None else made.float() + _grown(colors)
            yield x, colors * 2 - 1

    def _noises(self, noise: str | torch.Generator | Sequence[Tensor], ws: Tensor) -> list[Tensor | None]:
        convs = self.convolutions
        if noise == "none":
            return [None] * len(convs)
        if noise == "const":
            return [conv.noise_const for conv in convs]
        if isinstance(noise, torch.Generator):
            sizes = [(len(ws), 1, *conv.size) for conv in convs]
            return [torch.rand(size, generator=noise, device=noise.device).to(ws) for size in sizes]
        return list(noise)  # type: ignore[arg-type]


def _grown(colors: Tensor) -> Tensor:
    """Return colors at twice the size, blurred by [1, 2, 1], mirrored at the border."""
    x = F.interpolate(colors, scale_factor=2, mode="bilinear", align_corners=False)
    taps = torch.tensor([0.25, 0.5, 0.25]).to(x)
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, -1, -1)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, groups=x.shape[1])
