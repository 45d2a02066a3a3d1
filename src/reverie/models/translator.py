"""Networks that translate one picture into another, of any size: filters learned from examples.

`Can` works at full resolution throughout and sees a fixed neighborhood, so that tiles agree with the whole picture.
`Autoencoder` is the hourglass that such experiments begin with; it is kept as the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import WeightsError
from reverie.numerics.mirror import mirrored

ARCHITECTURES = ("can", "autoencoder")
SLOPE = 0.2  # of the leaky ReLU for values below zero (Chen, Xu, Koltun 2017)
MOST_CHANNELS, MOST_LAYERS, MOST_DILATION = 512, 32, 512
SMALL = 0.1  # of the usual first weights, added to the identity


@dataclass(frozen=True)
class Shape:
    """What a translator is built from: channels that go in and come out, width, and the dilation of every layer.

    The autoencoder has a fixed shape and only the channels matter.
    """

    architecture: str = "can"
    inputs: int = 3
    outputs: int = 1
    width: int = 24
    dilations: tuple[int, ...] = (1, 1, 1, 1)

    def record(self) -> dict[str, object]:
        """Return it as plain JSON."""
        return {**asdict(self), "dilations": list(self.dilations)}


def parse_shape(record: Mapping[str, object], name: str) -> Shape:
    """Return the shape that a file describes.

    Raises:
        WeightsError: an entry that is missing, unknown, of another type or out of range.
    """
    known = set(Shape.__dataclass_fields__)
    if set(record) != known:
        odd = sorted(set(record) ^ known)[0]
        raise WeightsError(
            f"the description inside '{name}' is not that of a translator: '{odd}' is unknown or missing"
        )
    architecture = record["architecture"]
    if architecture not in ARCHITECTURES:
        raise WeightsError(f"'{name}' holds a translator of kind '{architecture}'; known: {', '.join(ARCHITECTURES)}")
    dilations = record["dilations"]
    if not isinstance(dilations, list) or not 1 <= len(dilations) <= MOST_LAYERS:
        raise WeightsError(f"the description inside '{name}' names no list of 1 to {MOST_LAYERS} dilations")
    steps = tuple(_whole(d, "dilations", MOST_DILATION, name) for d in dilations)
    inputs, outputs, width = (_whole(record[n], n, MOST_CHANNELS, name) for n in ("inputs", "outputs", "width"))
    return Shape(str(architecture), inputs, outputs, width, steps)


def _whole(value: object, what: str, most: int, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise WeightsError(f"the description inside '{name}' says {what} {value!r}; expected 1 to {most}")
    return value


class Can(nn.Module):
    """Full-resolution convolutions of 3 x 3, mirrored at the border once, before the first.

    Source: Chen, Xu, Koltun 2017, "Fast image processing with fully-convolutional networks", section 3.
    Differs: no normalization, which would tie a pixel to the whole picture; the border is mirrored by the whole reach
    at once, so that no layer sees an artificial border; small random weights beside the identity, or all channels
    but the first would learn the same.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.outputs, self.reach_px = shape.outputs, sum(shape.dilations)
        widths = [shape.inputs, *[shape.width] * len(shape.dilations)]
        pairs = zip(widths, widths[1:], shape.dilations, strict=False)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, dilation=d) for a, b, d in pairs)
        self.last = nn.Conv2d(shape.width, shape.outputs, 1)
        for layer in self.layers:
            assert isinstance(layer, nn.Conv2d)
            begin_near_identity(layer)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``[B, outputs, H, W]`` for ``[B, inputs, H, W]`` in [0, 1]; values may leave [0, 1] a little."""
        x = mirrored(images, *[self.reach_px] * 4) - 0.5
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
        return self.last(x)


@torch.no_grad()
def begin_near_identity(layer: nn.Conv2d) -> None:
    """Let a convolution begin as the identity and a little noise; the first one of a network with plain noise too."""
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    if layer.in_channels == layer.out_channels:
        layer.weight.mul_(SMALL)
    for channel in range(min(layer.in_channels, layer.out_channels)):
        layer.weight[channel, channel, 1, 1] += 1
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Autoencoder(nn.Module):
    """Two convolutions of stride 2 and two transposed ones: 3-16, 16-32, 32-16, 16-1, all 3 x 3, BatchNorm and ReLU.

    Pictures whose sides are no multiples of four are mirrored to ones that are, and cut back.
    """

    reach_px = 6  # to the farthest pixel that a position can see

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.outputs = shape.outputs
        self.net = nn.Sequential(
            nn.Conv2d(shape.inputs, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, 2, 1, 1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.ConvTranspose2d(16, shape.outputs, 3, 2, 1, 1),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Return ``[B, outputs, H, W]`` for ``[B, inputs, H, W]`` in [0, 1]."""
        height, width = images.shape[-2:]
        wide = mirrored(images, 0, -height % 4, 0, -width % 4)
        return torch.sigmoid(self.net(wide))[..., :height, :width]


Translator = Can | Autoencoder


def build_translator(shape: Shape) -> Translator:
    """Return an untrained network."""
    return Can(shape) if shape.architecture == "can" else Autoencoder(shape)
