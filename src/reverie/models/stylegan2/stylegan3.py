"""The synthesis network of StyleGAN3, T and R, for generators that NVIDIA's program trained: drawing only.

Fourier features are turned and moved by w, and go through convolutions between filters: around each leaky ReLU the
activations are sampled more densely, so that no frequency appears that the next layer cannot hold. Names of tensors:

    synthesis.input.weight [C0, C0]  .freqs [C0, 2]  .phases [C0]  .transform [3, 3]  .affine.*
    synthesis.L{number}_{size}_{channels}.weight [O, I, k, k]  .bias [O]  .affine.*  .magnitude_ema []
                                         .up_filter [n]  .down_filter [n] or [n, n]   (buffers; none in the last layers)

Source: Karras et al. 2021, arXiv 2106.12423, section 3 and appendices C and F.
Differs: weights stand still and activations are scaled, as in `reverie.models.stylegan2.layers`; no custom operators.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.stylegan2.alias_free import AliasFree, Band, bands
from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.layers import SLOPE, SQRT2, Dense, Modulated

LEAST = 1e-12


class FourierInput(nn.Module):
    """w to Fourier features ``[B, C, size, size]`` of the plane, turned and moved as w says.

    Args:
        band: of the first layer.
        w_dim: of w.
    """

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, band: Band, w_dim: int) -> None:
        super().__init__()
        self.band = band
        turns, radii = 2 * math.pi * torch.rand(band.channels), band.cutoff * torch.rand(band.channels).sqrt()
        self.weight = nn.Parameter(torch.randn(band.channels, band.channels))
        self.affine = Dense(w_dim, 4, bias=0.0)
        with torch.no_grad():
            assert self.affine.bias is not None
            self.affine.weight.zero_()
            self.affine.bias[0] = 1.0
        self.register_buffer("freqs", torch.stack([turns.cos(), turns.sin()], 1) * radii[:, None])
        self.register_buffer("phases", torch.rand(band.channels) - 0.5)
        self.register_buffer("transform", torch.eye(3))

    def forward(self, w: Tensor) -> Tensor:
        """Return features in float32."""
        matrix = self._moved(self.affine(w)) @ self.transform
        freqs = self.freqs @ matrix[:, :2, :2]
        phases = self.phases + (self.freqs @ matrix[:, :2, 2:])[..., 0]
        above = (freqs.norm(dim=2) - self.band.cutoff) / (self.band.rate / 2 - self.band.cutoff)
        amplitudes = (1 - above).clamp(0, 1)
        size, wide = self.band.size, 0.5 * self.band.size / self.band.rate
        places = (torch.arange(size, device=w.device, dtype=w.dtype) + 0.5) / size * 2 * wide - wide
        grid = torch.stack(torch.meshgrid(places, places, indexing="xy"), 2)  # x, y of every row and column
        waves = torch.einsum("hwd,bcd->bhwc", grid, freqs) + phases[:, None, None]
        waves = (waves * (2 * math.pi)).sin() * amplitudes[:, None, None]
        return F.linear(waves, self.weight / math.sqrt(self.band.channels)).permute(0, 3, 1, 2)

    @staticmethod
    def _moved(t: Tensor) -> Tensor:
        """Return ``[B, 3, 3]``: first moved by (t2, t3), then turned by the angle of (t0, t1)."""
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        one, nil = torch.ones_like(t[:, 0]), torch.zeros_like(t[:, 0])
        turn = torch.stack([t[:, 0], -t[:, 1], nil, t[:, 1], t[:, 0], nil, nil, nil, one], 1).view(-1, 3, 3)
        move = torch.stack([one, nil, -t[:, 2], nil, one, -t[:, 3], nil, nil, one], 1).view(-1, 3, 3)
        return turn @ move


class FilteredConv(Modulated):
    """Modulated convolution, and a leaky ReLU at a higher sampling rate; the last layer gives colors instead.

    Args:
        shape: of the network.
        before: what comes in.
        band: what goes out.
        number: of the layer.
        w_dim: of w.
        clamp: bound of the activations.
    """

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None
    energy: Tensor | None

    def __init__(
        self, shape: AliasFree, before: Band, band: Band, number: int, w_dim: int, clamp: float | None
    ) -> None:  # fmt: skip
        self.colored = number == shape.layers
        kernel = 1 if self.colored else shape.kernel
        super().__init__(before.channels, band.channels, w_dim, kernel)
        self.clamp, self.pad = clamp, kernel - 1
        rate = max(before.rate, band.rate) * (1 if self.colored else shape.oversampling)
        self.up, self.down = rate // before.rate, rate // band.rate
        up_taps, down_taps = (shape.taps * n if n > 1 and not self.colored else 1 for n in (self.up, self.down))
        radial = shape.radial and number < shape.layers - shape.critical
        up = lowpass(up_taps, before.cutoff, 2 * before.half_width, rate) if up_taps > 1 else None
        down = lowpass(down_taps, band.cutoff, 2 * band.half_width, rate, radial=radial) if down_taps > 1 else None
        self.register_buffer("magnitude_ema", torch.ones(()))
        self.register_buffer("up_filter", up)
        self.register_buffer("down_filter", down)
        self.register_buffer("energy", None, persistent=False)
        inside = (before.size + kernel - 1) * self.up
        total = (band.size - 1) * self.down + 1 - inside + up_taps + down_taps - 2
        self.low = (total + self.up) // 2
        self.high = total - self.low

    def prepare(self, *, by_tiles: bool) -> None:
        """Keep sums of squares of the weights; it has no form by tiles."""
        self.energy = self.weight.float().square().sum((2, 3))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return activations ``[B, O, size, size]``, or colors."""
        style, gain = self.affine(w), self.magnitude_ema.rsqrt()
        if self.colored:
            style = style / math.sqrt(self.weight.shape[1])
            scale = gain.expand(1, self.weight.shape[0])
        else:
            energy = self.weight.square().sum((2, 3)) if self.energy is None else self.energy
            scale = (style.square() @ energy.T).clamp_min(LEAST).rsqrt() * gain
        x = F.conv2d(x * style.to(x.dtype)[:, :, None, None], self.weight.to(x.dtype), padding=self.pad)
        x = x * scale.to(x.dtype)[:, :, None, None] + self.bias.to(x.dtype)[:, None, None]
        if self.colored:
            return self._clamped(x)
        x = upsampled(x, self.up_filter, self.up, self.low, self.high)
        return downsampled(self._clamped(F.leaky_relu(x, SLOPE) * SQRT2), self.down_filter, self.down)

    def _clamped(self, x: Tensor) -> Tensor:
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


def upsampled(x: Tensor, taps: Tensor | None, times: int, low: int, high: int) -> Tensor:
    """Return ``[B, C, h, w]`` sampled `times` as densely: zeros between, `low` and `high` around, filtered.

    A side of n gives n times + low + high - taps + 1.
    """
    if taps is None:
        return F.pad(x, (low, high, low, high))
    count, channels = len(taps), x.shape[1]
    line = (taps * times).to(x.dtype)
    first = low - (count - 1)  # zeros before what the whole convolution gives; less than none cuts it
    for shape, stride, dim in (((1, 1, -1, 1), (times, 1), 2), ((1, 1, 1, -1), (1, times), 3)):
        wanted = x.shape[dim] * times + low + high - count + 1
        x = F.conv_transpose2d(x, line.view(shape).expand(channels, -1, -1, -1), stride=stride, groups=channels)
        last = wanted - x.shape[dim] - first
        x = F.pad(x, (0, 0, first, last) if dim == 2 else (first, last))
    return x


def downsampled(x: Tensor, taps: Tensor | None, times: int) -> Tensor:
    """Return every `times`-th sample of filtered activations; sides shrink by the taps less 1 before."""
    if taps is None:
        return x[..., ::times, ::times]
    channels, kernel = x.shape[1], taps.to(x.dtype)
    if kernel.ndim == 2:
        return F.conv2d(x, kernel.flip(0, 1).expand(channels, 1, -1, -1), stride=times, groups=channels)
    line = kernel.flip(0)
    x = F.conv2d(x, line.view(1, 1, -1, 1).expand(channels, -1, -1, -1), stride=(times, 1), groups=channels)
    return F.conv2d(x, line.view(1, 1, 1, -1).expand(channels, -1, -1, -1), stride=(1, times), groups=channels)


def lowpass(taps: int, cutoff: float, width: float, rate: float, *, radial: bool = False) -> Tensor:
    """Return a windowed low-pass filter ``[taps]``, or ``[taps, taps]`` if radial, whose sum is 1.

    A sinc, or the jinc J1(2 pi f r) / r of two dimensions, under a Kaiser window that a transition of `width` asks for.
    Source: Kaiser 1974; as in the paper's appendix C.
    """
    places = np.arange(taps) - (taps - 1) / 2
    window = np.kaiser(taps, _kaiser_beta(taps, width / (rate / 2)))
    if not radial:
        line = np.sinc(2 * cutoff / rate * places) * window
        return torch.from_numpy(line / line.sum()).float()
    distance = np.hypot(*np.meshgrid(places, places)) / rate
    flat = torch.from_numpy(2 * math.pi * cutoff * distance)
    disk = torch.special.bessel_j1(flat).numpy() / (math.pi * distance)
    disk = disk * np.outer(window, window)
    return torch.from_numpy(disk / disk.sum()).float()


def _kaiser_beta(taps: int, width: float) -> float:
    decibels = 2.285 * (taps - 1) * math.pi * width + 7.95
    if decibels > 50:
        return 0.1102 * (decibels - 8.7)
    return 0.5842 * (decibels - 21) ** 0.4 + 0.07886 * (decibels - 21) if decibels > 21 else 0.0


class AliasFreeSynthesis(nn.Module):
    """ws ``[B, num_ws, w_dim]`` to pictures ``[B, colors, S, S]``, about [-1, 1]."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        assert config.alias_free is not None
        self.config, self.shape = config, config.alias_free
        found = bands(self.shape, config.colors)
        self.input = FourierInput(found[0], config.w_dim)
        self.names = [f"L{i}_{band.size}_{band.channels}" for i, band in enumerate(found)]
        for number, (name, band) in enumerate(zip(self.names, found, strict=True)):
            before = found[max(number - 1, 0)]
            self.add_module(name, FilteredConv(self.shape, before, band, number, config.w_dim, config.clamp))

    @property
    def layers(self) -> list[FilteredConv]:
        """From the coarsest on, the one of the colors last."""
        return [self.get_submodule(name) for name in self.names]  # type: ignore[misc]

    @property
    def convolutions(self) -> list[nn.Module]:
        """Those that take noise: none."""
        return []

    @property
    def styled(self) -> list[FilteredConv]:
        """Those that a style changes, in order; colors left out."""
        return self.layers[:-1]

    def set_kernel(self, taps: object) -> None:
        """Do nothing: the filters stand in the file."""

    def forward(self, ws: Tensor, noise: object = "const", dtype: torch.dtype | None = None) -> Tensor:
        """Return pictures, float32; there is no noise. The activations are of `dtype`, by default that of ws."""
        images = None
        for _, images in self.stepwise(ws, noise, dtype):  # noqa: B007 - the last one is wanted
            pass
        assert images is not None
        return images

    def stepwise(
        self, ws: Tensor, noise: object = "const", dtype: torch.dtype | None = None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield each layer's activations without their margins, and with the last of them the picture."""
        x = self.input(ws[:, 0]).to(dtype or ws.dtype)
        *layers, last = self.layers
        for number, layer in enumerate(layers):
            x = layer(x, ws[:, number + 1])
            if layer is not layers[-1]:
                yield self._inside(x, number), None
        yield x, last(x, ws[:, -1]).float() * self.shape.scale

    def _inside(self, x: Tensor, number: int) -> Tensor:
        rows, columns = self.config.stage_size(number)
        top, left = (x.shape[2] - rows) // 2, (x.shape[3] - columns) // 2
        return x[..., top : top + rows, left : left + columns]
