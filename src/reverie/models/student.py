"""One style in one pass: a small network that has learned to paint as the optimizer would.

Every norm has two sets of gains and shifts, for a picture as it is and for full strength; those between are lines.
Source: Johnson, Alahi, Fei-Fei 2016, arXiv 1603.08155, supplement: the network; Ulyanov et al. 2017, arXiv 1701.02096:
instance normalization; Odena et al. 2016, distill.pub/2016/deconv-checkerboard: nearest-up convolutions; Babaeizadeh &
Ghiasi 2018, arXiv 1811.08560: strength as a parameter of the norms. Differs: far narrower, one norm per residual block.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.adaptive import EPSILON, Padded

STRIDE = 4
Spread = tuple[Tensor, Tensor]  # mean and deviation, [B, C, 1, 1]
Seen = Callable[[int, Tensor], Spread]


def whole_statistics(_index: int, x: Tensor) -> Spread:
    """Return mean and deviation over the positions that are there: right for a picture in one piece."""
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
    return mean, (variance + EPSILON).sqrt()


class StrengthNorm(nn.Module):
    """Instance normalization whose gains and shifts follow a strength ``[B, 1]``."""

    def __init__(self, channels: int, index: int) -> None:
        super().__init__()
        self.index = index
        self.gain = nn.Parameter(torch.ones(2, channels))
        self.shift = nn.Parameter(torch.zeros(2, channels))

    def forward(self, x: Tensor, strength: Tensor, seen: Seen) -> Tensor:
        mean, std = seen(self.index, x)
        gain, shift = (torch.lerp(p[:1], p[1:], strength)[..., None, None] for p in (self.gain, self.shift))
        scale = gain / std
        return x * scale.to(x) + (shift - mean * scale).to(x)


class StyledConv(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, index: int, stride: int = 1, *, up: bool = False
    ) -> None:
        super().__init__()
        self.conv = Padded(inputs, outputs, kernel, stride)
        self.norm = StrengthNorm(outputs, index)
        self.up = up

    def forward(self, x: Tensor, strength: Tensor, seen: Seen) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="nearest") if self.up else x
        return F.relu(self.norm(self.conv(x), strength, seen))


class Residual(nn.Module):
    """Two convolutions beside the identity, a norm between them."""

    def __init__(self, width: int, index: int) -> None:
        super().__init__()
        self.first = StyledConv(width, width, 3, index)
        self.second = Padded(width, width, 3)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, strength: Tensor, seen: Seen) -> Tensor:
        return x + self.second(self.first(x, strength, seen))


class StudentNet(nn.Module):
    """Picture ``[B, 3, H, W]`` in [0, 1] to picture; H and W are multiples of four.

    Args:
        width: channels at full size; twice at half, four times at a quarter.
        blocks: residual blocks at a quarter of the size.
    """

    def __init__(self, width: int = 16, blocks: int = 4) -> None:
        super().__init__()
        self.options = {"width": width, "blocks": blocks}
        first = StyledConv(3, width, 5, 0)
        second, third = StyledConv(width, 2 * width, 3, 1, stride=2), StyledConv(2 * width, 4 * width, 3, 2, stride=2)
        self.down = nn.ModuleList((first, second, third))
        self.trunk = nn.ModuleList(Residual(4 * width, 3 + i) for i in range(blocks))
        self.rise = nn.ModuleList(
            (
                StyledConv(4 * width, 2 * width, 3, 3 + blocks, up=True),
                StyledConv(2 * width, width, 3, 4 + blocks, up=True),
            )
        )
        self.paint = Padded(width, 3, 5)

    def forward(self, images: Tensor, strength: Tensor | None = None, seen: Seen = whole_statistics) -> Tensor:
        """Return the stylized picture.

        Args:
            images: in [0, 1].
            strength: ``[B, 1]`` from 0, the picture as it is, to 1; 1 if absent.
            seen: gives mean and deviation of the features that arrive at a norm, by its number.
        """
        strength = images.new_ones(len(images), 1) if strength is None else strength
        return self.finish(self.work(self.begin(images, strength, seen), strength, seen), strength, seen)

    def begin(self, images: Tensor, strength: Tensor, seen: Seen = whole_statistics) -> Tensor:
        """Return the features of pictures at a quarter of the size; norms 0 to 2."""
        x = images - 0.5
        for block in self.down:
            x = block(x, strength, seen)
        return x

    def work(self, x: Tensor, strength: Tensor, seen: Seen = whole_statistics) -> Tensor:
        """Return features of the same size, by the residual blocks."""
        for block in self.trunk:
            x = block(x, strength, seen)
        return x

    def finish(self, x: Tensor, strength: Tensor, seen: Seen = whole_statistics) -> Tensor:
        """Return the picture that features at a quarter of the size become; the last two norms."""
        for block in self.rise:
            x = block(x, strength, seen)
        return torch.sigmoid(self.paint(x))
