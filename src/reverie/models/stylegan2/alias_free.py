"""The geometry of StyleGAN3: which frequencies each layer keeps, at which sampling rate and size; free of torch.

Source: Karras et al. 2021, "Alias-Free Generative Adversarial Networks", arXiv 2106.12423, section 3.2 and appendix C.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

MOST_SIDE, MOST_LAYERS, MOST_TAPS = 4096, 32, 16


@dataclass(frozen=True, kw_only=True)
class AliasFree:
    """What the shape of a StyleGAN3 synthesis network follows from; defaults are those of config T.

    Attributes:
        resolution: side of the pictures.
        channel_base: twice the channels at a cutoff of 1 cycle; config R has 65536.
        channel_max: most channels of a layer; config R has 1024.
        layers: without the last one, which gives the colors.
        critical: layers at the end that keep all frequencies.
        first_cutoff: frequencies that the first layer keeps, in cycles a picture.
        first_stopband: from which on it keeps nothing.
        last_stopband: the same of the last layer, relative to its cutoff.
        margin: pixels beyond each border.
        taps: of the filters, for each doubling.
        oversampling: around the nonlinearity.
        kernel: side of the convolutions; 1 in config R.
        radial: whether the filters before halving are radially symmetric, as in config R.
        scale: factor of the result.
    """

    resolution: int
    channel_base: int = 32768
    channel_max: int = 512
    layers: int = 14
    critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2**2.1
    last_stopband: float = 2**0.3
    margin: int = 10
    taps: int = 6
    oversampling: int = 2
    kernel: int = 3
    radial: bool = False
    scale: float = 0.25

    def __post_init__(self) -> None:
        whole = {
            "resolution": (16, MOST_SIDE), "channel_base": (64, 1 << 20), "channel_max": (1, 4096),
            "layers": (2, MOST_LAYERS), "critical": (0, self.layers - 1), "margin": (0, 64), "taps": (1, MOST_TAPS),
            "oversampling": (1, 4), "kernel": (1, 3),
        }  # fmt: skip
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in whole:
                low, high = whole[field.name]
                fits = type(value) is int and low <= value <= high
            elif field.name == "radial":
                fits = isinstance(value, bool)
            else:
                fits = isinstance(value, float | int) and not isinstance(value, bool) and 0 < value < MOST_SIDE
            if not fits:
                raise ValueError(f"{field.name} cannot be {value!r} in a StyleGAN3")


@dataclass(frozen=True)
class Band:
    """What a layer's activations hold.

    Attributes:
        cutoff: frequencies up to this are kept, in cycles a picture.
        half_width: of the transition from all to nothing.
        rate: samples a picture, without margins.
        size: side, with margins.
        channels: how many.
    """

    cutoff: float
    half_width: float
    rate: int
    size: int
    channels: int


def bands(shape: AliasFree, colors: int) -> tuple[Band, ...]:
    """Return those of all layers, the one that gives the colors last.

    Raises:
        ValueError: frequencies that no sampling rate holds.
    """
    last = shape.resolution / 2
    found: list[Band] = []
    for number in range(shape.layers + 1):
        part = min(number / (shape.layers - shape.critical), 1.0)
        cutoff = shape.first_cutoff * (last / shape.first_cutoff) ** part
        stopband = shape.first_stopband * (last * shape.last_stopband / shape.first_stopband) ** part
        rate = 2 ** math.ceil(math.log2(min(2 * stopband, shape.resolution)))
        whole = number >= shape.layers - 1  # the last two have no margins
        channels = round(min(shape.channel_base / 2 / cutoff, shape.channel_max))
        before = found[-1].rate if found else 1
        room = cutoff < rate / 2 or (number and cutoff == rate / 2)
        if not (room and cutoff < stopband and before <= rate and channels >= 1):
            raise ValueError(f"layer {number} cannot keep {cutoff:.3g} cycles and end at {stopband:.3g}")
        found.append(
            Band(
                cutoff, max(stopband, rate / 2) - cutoff, rate, shape.resolution if whole else rate + 2 * shape.margin,
                colors if number == shape.layers else channels,
            )
        )  # fmt: skip
    return tuple(found)
