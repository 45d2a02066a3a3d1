"""Layers of StyleGAN2 in the form that is fast without custom operators: weights stand still, activations are scaled.

A modulated convolution with weight W, style s and demodulation is, per picture,

    y = d * conv(s * x, W),    d_o = (sum_i s_i**2 sum_k W_oik**2 + 1e-8)**-1/2

which equals the paper's convolution with its weights rebuilt per picture (arXiv 1912.04958, equations 1 and 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.stylegan2.compiled import compiled_conv, suits_loops
from reverie.models.stylegan2.tiled import suits_tiles, tiled_conv
from reverie.models.winograd import turned

SQRT2 = math.sqrt(2)
SLOPE = 0.2
EPSILON = 1e-8


def exact(x: Tensor) -> Tensor:
    """Return half precision as float32, anything else as it is."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class Dense(nn.Module):
    """Linear layer with an equalized learning rate: y = x W^T lr / sqrt(in) + b lr.

    Args:
        inputs, outputs: widths.
        bias: what the bias starts at; None for no bias.
        lr: factor of its learning rate.
        active: leaky ReLU and sqrt(2) behind it.
    """

    def __init__(
        self, inputs: int, outputs: int, bias: float | None = 0.0, lr: float = 1.0, active: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias / lr))
        self.lr, self.gain, self.active = lr, lr / math.sqrt(inputs), active

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias * self.lr
        out = F.linear(x, self.weight * self.gain, bias)
        return F.leaky_relu(out, SLOPE) * SQRT2 if self.active else out


class Blur(nn.Module):
    """Separable low-pass filter as one depthwise convolution, for halving and doubling sizes."""

    kernel: Tensor

    def __init__(self, taps: Sequence[float]) -> None:
        super().__init__()
        self.width = len(taps)
        self.register_buffer("kernel", torch.empty(0), persistent=False)
        self.set(taps)

    def set(self, taps: Sequence[float]) -> None:
        """Set the taps; needed anew after a network was built without memory."""
        one = torch.tensor(tuple(taps), dtype=torch.float32)
        self.kernel = torch.outer(one, one) / one.sum() ** 2

    def same(self, x: Tensor, pad: int, gain: float = 1.0, stride: int = 1, bias: Tensor | None = None) -> Tensor:
        """Return the filtered picture, zeros around it."""
        return F.conv2d(x, self._depthwise(x, gain), bias, padding=pad, stride=stride, groups=x.shape[1])

    def doubled(self, x: Tensor) -> Tensor:
        """Return it at twice the size."""
        return F.conv_transpose2d(
            x, self._depthwise(x, 4.0), stride=2, padding=(self.width - 2) // 2, groups=x.shape[1]
        )

    def halved(self, x: Tensor) -> Tensor:
        """Return it at half the size."""
        side = (self.width - 2) // 2
        return self.same(x, side, stride=2)

    def _depthwise(self, x: Tensor, gain: float) -> Tensor:
        return (self.kernel * gain).to(x.dtype).expand(x.shape[1], 1, -1, -1)


class Modulated(nn.Module):
    """What conv0, conv1 and torgb have in common: a weight, and a style for it from w."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.affine = Dense(w_dim, inputs, bias=1.0)
        self.bias = nn.Parameter(torch.zeros(outputs))


class StyleConv(Modulated):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU.

    Args:
        inputs, outputs: channels.
        w_dim: of w.
        size: height and width of what comes out.
        blur: doubles the size if given.
        noise: whether noise is added.
        clamp: bound of the activations.

    Attributes:
        in_loops: tiles are computed by `reverie.models.stylegan2.compiled`, whose results differ by rounding, too.
    """

    noise_const: Tensor
    energy: Tensor | None
    turned: Tensor | None
    kernels: Tensor | None

    def __init__(
        self, inputs: int, outputs: int, w_dim: int, size: tuple[int, int], blur: Blur | None, noise: bool,
        clamp: float | None,
    ) -> None:  # fmt: skip
        super().__init__(inputs, outputs, w_dim, 3)
        self.blur, self.clamp, self.noisy, self.size, self.in_loops = blur, clamp, noise, size, False
        for table in ("energy", "turned", "kernels"):
            self.register_buffer(table, None, persistent=False)
        if noise:
            self.register_buffer("noise_const", torch.randn(size))
            self.noise_strength = nn.Parameter(torch.zeros(()))

    def prepare(self, *, by_tiles: bool) -> None:
        """Keep what drawing needs of the weights besides them: sums of squares, and other arrangements of them.

        Args:
            by_tiles: whether large layers are computed by `reverie.models.stylegan2.tiled`, whose results differ from
                the plain ones by rounding.
        """
        self.energy = self.weight.float().square().sum((2, 3))
        if self.blur is not None:
            self.turned = self.weight.transpose(0, 1).contiguous(memory_format=torch.channels_last)
        elif by_tiles and suits_tiles(self.weight, *self.size):
            self.kernels, self.in_loops = turned(self.weight), suits_loops(self.weight)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None, gain: float = 1.0) -> Tensor:
        """Return activations ``[B, O, h, w]``; `noise` is ``[h, w]`` or ``[B, 1, h, w]``, None for none."""
        style = self.affine(w)
        energy = self.weight.square().sum((2, 3)) if self.energy is None else self.energy
        scale = (style.square() @ energy.T + EPSILON).rsqrt() * (SQRT2 * gain)  # leaky ReLU lets factors through
        bias = self.bias * (SQRT2 * gain)
        grain = noise * self.noise_strength * (SQRT2 * gain) if noise is not None and self.noisy else None
        bound = None if self.clamp is None else self.clamp * gain
        if self._tiled(x):
            assert self.kernels is not None
            if self.in_loops:
                return compiled_conv(x, self.kernels, style, scale, bias, grain, bound)
            x = tiled_conv(x, self.kernels, style, scale, bias)
        elif self._large(x):
            x = self._convolved(x, bias.to(x.dtype), style[0], scale[0])
        else:
            x = self._convolved(x * style.to(x.dtype)[:, :, None, None], None)
            x = torch.addcmul(bias.to(x.dtype)[:, None, None], x, scale.to(x.dtype)[:, :, None, None])
        still = not torch.is_grad_enabled()
        if grain is not None:
            x = x.add_(grain.to(x.dtype)) if still else x + grain.to(x.dtype)
        x = F.leaky_relu(x, SLOPE, inplace=still)
        return x if bound is None else x.clamp(-bound, bound)

    def _large(self, x: Tensor) -> bool:
        """Tell whether scaling the weights of this one picture moves less memory than scaling its activations."""
        return len(x) == 1 and not torch.is_grad_enabled() and self._few(x.shape[2] * x.shape[3])

    def _few(self, places: int) -> bool:
        """Tell whether there are fewer weights than activations on maps of so many places."""
        outputs, inputs = self.weight.shape[:2]
        behind = places if self.blur is None else 4 * places
        return 9 * outputs * inputs < inputs * places + outputs * behind

    def _tiled(self, x: Tensor) -> bool:
        on_cpu = x.device.type == "cpu" and x.dtype == torch.float32
        return self.kernels is not None and on_cpu and not torch.is_grad_enabled()

    def _convolved(
        self, x: Tensor, bias: Tensor | None, style: Tensor | None = None, scale: Tensor | None = None
    ) -> Tensor:  # fmt: skip
        """Return the convolution; the weights are those of one picture where its `style` and `scale` are given."""
        if self.blur is None:
            weight = self.weight
            if style is not None and scale is not None:
                weight = weight * style[:, None, None] * scale[:, None, None, None]
            return F.conv2d(x, weight.to(x.dtype), bias, padding=1)
        weight = self.weight.transpose(0, 1) if self.turned is None else self.turned
        if style is not None and scale is not None:
            weight = weight * style[:, None, None, None] * scale[:, None, None]
        wide = F.conv_transpose2d(x, weight.to(x.dtype), stride=2)
        return self.blur.same(wide, (self.blur.width - 1) // 2, gain=4.0, bias=bias)


class ToColors(Modulated):
    """Modulated 1x1 convolution without demodulation: activations to a picture."""

    def __init__(self, inputs: int, colors: int, w_dim: int, clamp: float | None) -> None:
        super().__init__(inputs, colors, w_dim, 1)
        self.gain, self.clamp, self.as_product = 1 / math.sqrt(inputs), clamp, False

    def prepare(self, *, by_tiles: bool) -> None:
        """Compute as one matrix product from now on, where layers before are computed by tiles."""
        self.as_product = by_tiles

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return colors ``[B, colors, h, w]``."""
        style, bias = self.affine(w) * self.gain, self.bias.to(x.dtype)
        if len(x) == 1 and self.as_product and x.dtype == torch.float32:
            weight = self.weight[:, :, 0, 0] * style[0]
            out = F.linear(x.permute(0, 2, 3, 1), weight, bias).permute(0, 3, 1, 2)
        elif len(x) == 1:
            out = F.conv2d(x, (self.weight * style[0][:, None, None]).to(x.dtype), bias)
        else:
            out = F.conv2d(x * style.to(x.dtype)[:, :, None, None], self.weight.to(x.dtype), bias)
        return out if self.clamp is None else out.clamp(-self.clamp, self.clamp)


class PlainConv(nn.Module):
    """Convolution with an equalized learning rate, optionally doubling or halving, with leaky ReLU if it has a bias.

    Args:
        inputs, outputs: channels.
        kernel: side of the kernel.
        resample: "up", "down" or None.
        blur: for it.
        bias: and activation.
        gain: factor of the result.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, blur: Blur | None = None, resample: str | None = None,
        bias: bool = True, gain: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.blur, self.resample, self.gain = 1 / math.sqrt(inputs * kernel**2), blur, resample, gain

    def forward(self, x: Tensor) -> Tensor:
        factor = self.gain * (1.0 if self.bias is None else SQRT2)
        weight = (self.weight * (self.scale * factor)).to(x.dtype)
        bias = None if self.bias is None else (self.bias * factor).to(x.dtype)
        side = weight.shape[-1]
        if self.resample == "down" and side == 1:
            x = F.conv2d(self._blur.halved(x), weight, bias)
        elif self.resample == "down":
            pad = self._blur.width // 2
            x = F.conv2d(self._blur.same(x, pad), weight, bias, stride=2)
        elif self.resample == "up":
            x = self._blur.doubled(F.conv2d(x, weight, bias))
        else:
            x = F.conv2d(x, weight, bias, padding=side // 2)
        return x if self.bias is None else F.leaky_relu(x, SLOPE)

    @property
    def _blur(self) -> Blur:
        assert self.blur is not None
        return self.blur
