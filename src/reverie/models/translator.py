"""Networks that translate one picture into another, of any size: what they are built from, and those for filters.

`Can` works at full resolution throughout and sees a fixed neighborhood, so that tiles agree with the whole picture.
`Autoencoder` is the hourglass that such experiments begin with; it is kept as the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import InputError, WeightsError
from reverie.models.picture_kinds import Kind, parse_kind
from reverie.models.pix2pix import Generator, ResidualNet, UNet
from reverie.numerics.mirror import mirrored

ARCHITECTURES = ("can", "autoencoder", "unet", "resnet")
LATE = {"late": True}  # metadata of an entry that came later than the first files, which lack it
SLOPE = 0.2  # of the leaky ReLU for values below zero (Chen, Xu, Koltun 2017)
MOST_CHANNELS, MOST_LAYERS, MOST_DILATION = 512, 32, 512
MOST_DEPTH, MOST_PLANES = {"unet": 8, "resnet": 32}, 8
SMALL = 0.1  # of the usual first weights, added to the identity


@dataclass(frozen=True)
class Plane:
    """A number that a translator is told beside the picture, as a plane: 0 at `low`, 1 at `high`."""

    name: str
    default: float
    low: float
    high: float

    def filled(self, value: float) -> float:
        """Return what the plane holds for a value."""
        return (value - self.low) / max(self.high - self.low, 1e-9)


@dataclass(frozen=True)
class Shape:
    """What a translator is built from.

    Attributes:
        architecture: "can", "autoencoder", "unet" or "resnet".
        inputs: channels that go in, planes included.
        outputs: channels that come out.
        width: of its layers; the autoencoder has its own.
        dilations: of every layer of a can.
        depth: halvings of a U-Net, blocks of a ResNet.
        dropout: in training only.
        given: kind of the pictures that go in; see `parse_kind`.
        wanted: kind of those that come out.
        planes: numbers that go in beside the picture.
    """

    architecture: str = "can"
    inputs: int = 3
    outputs: int = 1
    width: int = 24
    dilations: tuple[int, ...] = (1, 1, 1, 1)
    depth: int = field(default=0, metadata=LATE)
    dropout: float = field(default=0.0, metadata=LATE)
    given: str = field(default="color", metadata=LATE)
    wanted: str = field(default="", metadata=LATE)
    planes: tuple[Plane, ...] = field(default=(), metadata=LATE)

    @property
    def given_kind(self) -> Kind:
        """Kind of the pictures that go in."""
        return parse_kind(self.given)

    @property
    def wanted_kind(self) -> Kind:
        """Kind of the pictures that come out; by their channels where nothing is said."""
        return parse_kind(self.wanted or {1: "grey", 4: "alpha"}.get(self.outputs, "color"))

    def record(self) -> dict[str, object]:
        """Return it as plain JSON, without what came later than the first files and is as usual."""
        found: dict[str, object] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in FIRST or value != entry.default:
                found[entry.name] = [_plain(v) for v in value] if isinstance(value, tuple) else value
        return found


FIRST = tuple(entry.name for entry in fields(Shape) if "late" not in entry.metadata)  # what every file says


def _plain(value: object) -> object:
    return dict(vars(value)) if isinstance(value, Plane) else value


def parse_shape(record: Mapping[str, object], name: str) -> Shape:
    """Return the shape that a file describes.

    Raises:
        WeightsError: an entry that is missing, unknown, of another type or out of range.
    """
    known = {entry.name: entry.default for entry in fields(Shape) if entry.default is not MISSING}
    odd = sorted((set(record) - set(known)) | (set(FIRST) - set(record)))
    if odd:
        raise WeightsError(
            f"the description inside '{name}' is not that of a translator: '{odd[0]}' is unknown or missing"
        )
    architecture = record["architecture"]
    if architecture not in ARCHITECTURES:
        raise WeightsError(f"'{name}' holds a translator of kind '{architecture}'; known: {', '.join(ARCHITECTURES)}")
    dilations = record["dilations"]
    if not isinstance(dilations, list) or not 1 <= len(dilations) <= MOST_LAYERS:
        raise WeightsError(f"the description inside '{name}' names no list of 1 to {MOST_LAYERS} dilations")
    steps = tuple(_whole(d, "dilations", MOST_DILATION, name) for d in dilations)
    inputs, outputs, width = (_whole(record[n], n, MOST_CHANNELS, name) for n in ("inputs", "outputs", "width"))
    needs_depth = architecture in ("unet", "resnet")
    depth = _whole(record.get("depth", 0), "depth", MOST_DEPTH[str(architecture)], name) if needs_depth else 0
    shape = Shape(
        str(architecture), inputs, outputs, width, steps, depth, _fraction(record.get("dropout", 0.0), name),
        str(record.get("given", "color")), str(record.get("wanted", "")), _planes(record.get("planes", []), name),
    )  # fmt: skip
    _check_channels(shape, name)
    return shape


def _check_channels(shape: Shape, name: str) -> None:
    try:
        given, wanted = shape.given_kind, shape.wanted_kind
    except InputError as error:
        raise WeightsError(f"the description inside '{name}' cannot be used: {error}") from error
    expected = (given.channels + len(shape.planes), wanted.channels)
    if (shape.inputs, shape.outputs) != expected:
        raise WeightsError(
            f"'{name}' takes {shape.inputs} channels and gives {shape.outputs}; expected {expected[0]} for "
            f"'{given.name}' pictures, and {expected[1]} for '{wanted.name}' ones"
        )


def _fraction(value: object, name: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1:
        raise WeightsError(f"the description inside '{name}' says dropout {value!r}; expected 0 to 1")
    return float(value)


def _planes(value: object, name: str) -> tuple[Plane, ...]:
    wrong = WeightsError(f"the description inside '{name}' names no list of planes")
    if not isinstance(value, list) or len(value) > MOST_PLANES:
        raise wrong
    found: list[Plane] = []
    for item in value:
        if not isinstance(item, dict) or set(item) != {f.name for f in fields(Plane)}:
            raise wrong
        parts: dict[str, Any] = item
        numbers = [parts[n] for n in ("default", "low", "high")]
        if not isinstance(parts["name"], str) or not all(type(n) in (int, float) and abs(n) < 1e9 for n in numbers):
            raise wrong
        found.append(Plane(parts["name"], *map(float, numbers)))
    return tuple(found)


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
        return self.inside(mirrored(images, *[self.reach_px] * 4))

    def inside(self, wide: Tensor) -> Tensor:
        """Return the same for pictures mirrored by `reach_px` on every side."""
        x = wide - 0.5
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


Translator = Can | Autoencoder | Generator


def build_translator(shape: Shape) -> Translator:
    """Return an untrained network."""
    if shape.architecture == "can":
        return Can(shape)
    if shape.architecture == "autoencoder":
        return Autoencoder(shape)
    kind = UNet if shape.architecture == "unet" else ResidualNet
    classes = shape.wanted_kind.is_labels
    return kind(shape.inputs, shape.outputs, shape.width, shape.depth, shape.dropout, classes=classes)


def told(images: Tensor, planes: Sequence[Plane], values: Mapping[str, float] | None = None) -> Tensor:
    """Return pictures with a plane for each number behind their channels; usual values where none is given."""
    if not planes:
        return images
    filled = [plane.filled((values or {}).get(plane.name, plane.default)) for plane in planes]
    rest = images.new_tensor(filled)[None, :, None, None].expand(len(images), -1, *images.shape[2:])
    return torch.cat([images, rest], 1)


def chosen_values(texts: Sequence[str], planes: Sequence[Plane], model: str) -> dict[str, float]:
    """Return numbers by name from texts such as ``sigma=1.5``, for the planes that a network takes.

    Raises:
        InputError: another form, an unknown name, or out of the range that was learned.
    """
    known, found = {plane.name: plane for plane in planes}, dict[str, float]()
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise InputError(f"--param takes NAME=NUMBER, such as sigma=1.5; got '{text}'") from None
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise InputError(f"'{model}' has no parameter '{name}'; {takes}")
        plane = known[name]
        if not plane.low <= number <= plane.high:
            raise InputError(f"'{model}' has learned {name} from {plane.low:g} to {plane.high:g}; got {number:g}")
        found[name] = number
    return found
