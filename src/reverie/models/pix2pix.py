"""Networks that learn a translation from pairs: a U-Net, a chain of residual blocks, and a discriminator of patches.

Norms are instance normalizations without running statistics, so that training and use are the same function; where a
picture is worked in tiles, `seen` gives them the statistics of the whole.
Source: Isola, Zhu, Zhou, Efros 2017, arXiv 1611.07004, section 6.1; Johnson et al. 2016, arXiv 1603.08155, for the
residual one; Odena et al. 2016, distill.pub/2016/deconv-checkerboard, for enlarging before convolving.
Differs: enlarged before convolving, mirrored borders, the picture itself joins the last layers of the U-Net, narrower.
In training the norms and the enlarging convolutions take shorter ways to the same numbers, to rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.adaptive import Padded
from reverie.models.instance_norm import instance_norm
from reverie.models.nearest_up import nearest_up
from reverie.models.student import Seen, whole_statistics
from reverie.numerics.mirror import mirrored

SLOPE = 0.2
MOST_WIDER = 8  # times the width that deep layers have at most


class Generator(nn.Module):
    """What both generators have in common: any size comes in, and goes out as it was.

    Attributes:
        inputs: channels in.
        outputs: channels out.
        stride: multiple that the sides are mirrored to.
        reach_px: how far a position sees, without the statistics.
        norms: how many normalizations there are, numbered in order of execution.
        levels: whether values are centered and normalized; not where it is measured how far a layer sees.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, reach_px: int, norms: int, *, classes: bool) -> None:
        super().__init__()
        self.inputs, self.outputs, self.stride, self.reach_px, self.norms = inputs, outputs, stride, reach_px, norms
        self.classes, self.levels = classes, True

    def forward(self, images: Tensor, seen: Seen = whole_statistics) -> Tensor:
        """Return ``[B, outputs, H, W]`` in [0, 1] for ``[B, inputs, H, W]`` in [0, 1]; classes sum to 1."""
        height, width = images.shape[-2:]
        return self.inside(self.widened(images), seen)[..., :height, :width]

    def widened(self, images: Tensor) -> Tensor:
        """Return pictures mirrored downwards and to the right to multiples of the stride, two at least."""
        down, right = (max(2 * self.stride - n, -n % self.stride) for n in images.shape[-2:])
        return mirrored(images, 0, down, 0, right)

    def inside(self, images: Tensor, seen: Seen) -> Tensor:
        """Return what becomes of pictures whose sides are multiples of the stride."""
        made = self.features(images * 2 - 1 if self.levels else images, seen)
        return made.softmax(1) if self.classes else torch.sigmoid(made)

    def features(self, x: Tensor, seen: Seen) -> Tensor:
        """Return what goes into the last, squashing function."""
        raise NotImplementedError

    def normed(self, x: Tensor, index: int, seen: Seen) -> Tensor:
        """Return features with mean 0 and deviation 1 over the picture."""
        if not self.levels:
            return x
        return instance_norm(x) if self.training and seen is whole_statistics else normalized(x, index, seen)

    def risen(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Return what a convolution makes of features at twice the size."""
        return nearest_up(layer, x) if self.training else layer(larger(x))  # type: ignore[arg-type]


def normalized(x: Tensor, index: int, seen: Seen) -> Tensor:
    """Return features with mean 0 and deviation 1 over the picture."""
    mean, std = seen(index, x)
    return (x - mean.to(x)) / std.to(x)


def larger(x: Tensor) -> Tensor:
    """Return features at twice the size, every position doubled."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


class UNet(Generator):
    """Halved `depth` times and enlarged again, with what was there at every size passed across.

    Args:
        inputs: channels in.
        outputs: channels out.
        width: channels at half the size; twice as many at every further halving, eight times at most.
        depth: halvings.
        dropout: share of the channels' values that are dropped at the three smallest sizes on the way up, in training.
        classes: the outputs are classes.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, depth: int, dropout: float = 0.0, *, classes: bool = False
    ) -> None:
        super().__init__(inputs, outputs, 2**depth, 4 * 2**depth + 4, max(depth - 2, 0) + depth, classes=classes)
        wide = [width * min(2**i, MOST_WIDER) for i in range(depth)]
        pairs = zip([inputs, *wide], wide, strict=False)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1, padding_mode="reflect") for a, b in pairs)
        sources = [wide[i + 1] * (1 if i + 2 == depth else 2) for i in range(depth - 1)]
        self.up = nn.ModuleList(Padded(a, b) for a, b in zip(sources, wide, strict=False))
        self.dropout = nn.Dropout(dropout)
        half = max(8, width // 2)
        self.rise = Padded(wide[0] * (1 if depth == 1 else 2), half)
        self.last = Padded(half + inputs, outputs)

    def features(self, x: Tensor, seen: Seen) -> Tensor:
        """Return the last layer's values."""
        image, passed, index = x, [], 0
        for level, layer in enumerate(self.down):
            x = layer(x if level == 0 else F.leaky_relu(x, SLOPE))
            if 0 < level < len(self.down) - 1:  # the smallest may be a single position
                x, index = self.normed(x, index, seen), index + 1
            passed.append(x)
        for level in reversed(range(len(self.up))):
            x = self.normed(self.risen(self.up[level], F.relu(x)), index, seen)
            x, index = self.dropout(x) if level >= len(self.up) - 3 else x, index + 1
            x = torch.cat([x, passed[level]], 1)
        x = self.normed(self.risen(self.rise, F.relu(x)), index, seen)
        return self.last(torch.cat([F.relu(x), image], 1))


class ResidualNet(Generator):
    """Residual blocks at a quarter of the size.

    Args:
        inputs: channels in.
        outputs: channels out.
        width: channels at full size; four times as many inside.
        depth: blocks.
        dropout: share of values that is dropped inside the blocks, in training.
        classes: the outputs are classes.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, depth: int, dropout: float = 0.0, *, classes: bool = False
    ) -> None:
        super().__init__(inputs, outputs, 4, 24 + 8 * depth, 5 + 2 * depth, classes=classes)
        self.down = nn.ModuleList(
            (Padded(inputs, width, 7), Padded(width, 2 * width, 3, 2), Padded(2 * width, 4 * width, 3, 2))
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList((Padded(4 * width, 4 * width), Padded(4 * width, 4 * width))) for _ in range(depth)
        )
        self.dropout = nn.Dropout(dropout)
        self.up = nn.ModuleList((Padded(4 * width, 2 * width), Padded(2 * width, width)))
        self.last = Padded(width, outputs, 7)

    def features(self, x: Tensor, seen: Seen) -> Tensor:
        """Return the last layer's values."""
        index = 0
        for layer in self.down:
            x, index = F.relu(self.normed(layer(x), index, seen)), index + 1
        for block in self.blocks:
            first, second = block  # type: ignore[misc]
            y = self.dropout(F.relu(self.normed(first(x), index, seen)))
            x, index = x + self.normed(second(y), index + 1, seen), index + 2
        for layer in self.up:
            x, index = F.relu(self.normed(self.risen(layer, x), index, seen)), index + 1
        return self.last(x)


class PatchDiscriminator(nn.Module):
    """Scores for overlapping patches of 70 x 70 pixels, whether they are real; at several scales if asked.

    Args:
        inputs: channels of the picture that was given and of what became of it, together.
        width: channels of the first layer.
        scales: how many sizes are looked at, each half of the one before it.

    Source: Isola et al. 2017, section 6.1.2; Wang et al. 2018, arXiv 1711.11585, section 3.2, for the scales.
    """

    def __init__(self, inputs: int, width: int = 32, scales: int = 1) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_patch_layers(inputs, width) for _ in range(scales))

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return scores ``[B, n]`` of each scale, and the features of all layers before, for images in [-1, 1]."""
        scores, features = [], []
        for number, layers in enumerate(self.scales):
            x = images if number == 0 else F.avg_pool2d(images, 2**number)
            for place, layer in enumerate(layers):  # type: ignore[arg-type]
                x = layer(x)
                if place == len(layers) - 1:  # type: ignore[arg-type]
                    break
                x = x if place == 0 else instance_norm(x)
                x = F.leaky_relu(x, SLOPE)
                features.append(x)
            scores.append(x.flatten(1))
        return scores, features


def _patch_layers(inputs: int, width: int) -> nn.ModuleList:
    wide = [inputs, width, 2 * width, 4 * width, 8 * width]
    strides = (2, 2, 2, 1)
    layers = [nn.Conv2d(a, b, 4, s, 1) for a, b, s in zip(wide, wide[1:], strides, strict=False)]
    return nn.ModuleList([*layers, nn.Conv2d(wide[-1], 1, 4, 1, 1)])
