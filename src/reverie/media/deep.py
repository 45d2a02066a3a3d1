"""Pictures of more than eight bits per sample, which Pillow gives as eight without saying so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import ImageFile

NUMBERS = frozenset(("I;16", "I;16L", "I;16B", "I;16N", "I", "F"))
"""Pillow's one-channel modes whose values are not bytes; converting them to L or RGB clips at 255."""

OTHER_BYTE = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}
"""Raw mode that takes the high byte of every sample → the raw mode that takes the low byte of the same data."""

BAND_VALUES = 2**22  # samples that become whole levels at a time


@dataclass(frozen=True, eq=False)
class Deep:
    """Samples as stored.

    `color` is [H, W, 1 or 3] of any real dtype, `alpha` [H, W] float32 in [0, 1] or None; `profile` is the ICC profile
    of the color and `orientation` the EXIF code still to be applied.
    """

    color: np.ndarray
    alpha: np.ndarray | None
    profile: bytes | None
    orientation: int = 1


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Return whether an opened picture that is not yet loaded holds more than Pillow's eight-bit modes can."""
    return image.mode in NUMBERS or ";16" in _raw_mode(image)


def deep_rows(
    image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]
) -> Callable[[int, int], Deep] | None:
    """Decode an opened picture of more than eight bits and return what gives any rows (from, to) of its samples.

    None if eight bits is all it has. `reopen` opens the same bytes a second time. Orientation is left at 1: it belongs
    to the picture, not the samples.
    """
    profile, key = image.info.get("icc_profile"), image.info.get("transparency")
    samples = _samples(image, reopen)
    if samples is None:
        return None

    def rows(top: int, bottom: int) -> Deep:
        found = samples(top, bottom)
        channels = found.shape[2] - (found.shape[2] % 2 == 0)
        color = found[..., :channels]
        alpha = to_unit(found[..., channels]) if found.shape[2] > channels else _keyed_alpha(color, key)
        return Deep(color, alpha, profile)

    return rows


def _samples(
    image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]
) -> Callable[[int, int], np.ndarray] | None:
    """Load a picture and return what gives rows of its samples, ``[n, W, 1 to 4]``."""
    raw_mode = _raw_mode(image)
    if image.mode in NUMBERS:
        image.load()
        return lambda top, bottom: _rows(image, top, bottom)[..., None]
    if raw_mode == "LA;16B":
        image.tile = [image.tile[0]._replace(args="RGBA")]  # four bytes a pixel: this layout has no low-byte unpacker
        image.load()
        return lambda top, bottom: _pairs(_rows(image, top, bottom))
    if raw_mode not in OTHER_BYTE:
        return None
    low = _low_bytes(reopen(), raw_mode)
    image.load()
    return lambda top, bottom: (_rows(image, top, bottom).astype(np.uint16) << 8) | _rows(low, top, bottom)


def to_unit(samples: np.ndarray) -> np.ndarray:
    """Return samples as float32 in [0, 1].

    Bytes divide by 255 and 16-bit samples by 65535; wider integers within 0..65535 count as 16-bit; floats within
    [0, 1] stay. Anything else (elevations, radiances) is stretched from its smallest to its largest finite value, and
    what is not finite becomes 0.
    """
    if samples.dtype == np.bool_:
        return samples.astype(np.float32)
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        return samples.astype(np.float32) / np.float32(np.iinfo(samples.dtype).max)
    if samples.dtype.kind == "f" and samples.size and samples.min() >= 0 and samples.max() <= 1:  # false for NaN
        return np.asarray(samples, np.float32)
    finite = np.isfinite(samples)
    if not finite.any():
        return np.zeros(samples.shape, np.float32)
    low, high = float(samples[finite].min()), float(samples[finite].max())
    ceiling = 1.0 if samples.dtype.kind == "f" else 65535.0
    if low >= 0 and high <= ceiling:
        low, high = 0.0, ceiling
    span = high - low or 1.0
    scaled = (np.where(finite, samples, low).astype(np.float64) - low) / span
    return scaled.astype(np.float32)


def to_uint8(rgb: np.ndarray) -> np.ndarray:
    """Return values of [0, 1] as bytes, rounded to nearest; what lies outside is clipped, not-a-number becomes 0."""
    return _quantized(rgb, 255, np.dtype(np.uint8))


def to_uint16(rgb: np.ndarray) -> np.ndarray:
    """Return values of [0, 1] as 16-bit samples, rounded to nearest; clipped like `to_uint8`."""
    return _quantized(rgb, 65535, np.dtype(np.uint16))


def _quantized(rgb: np.ndarray, levels: int, kind: np.dtype) -> np.ndarray:
    """Return whole levels, worked out a band of rows at a time: large pictures need no second copy as floats."""
    values = np.atleast_1d(np.asarray(rgb))
    out = np.empty(values.shape, kind)
    band = max(1, BAND_VALUES * len(values) // max(1, values.size))
    for first in range(0, len(values), band):
        some = np.nan_to_num(values[first : first + band].astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        out[first : first + band] = np.clip(some, 0.0, 1.0) * np.float32(levels) + np.float32(0.5)
    return out.reshape(np.shape(rgb))


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for the layout of the stored samples; only PNG and libtiff keep it within reach."""
    if image.format not in ("PNG", "TIFF") or len(image.tile) != 1:
        return ""
    args: Any = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) and args else args)


def _low_bytes(low: ImageFile.ImageFile, raw_mode: str) -> ImageFile.ImageFile:
    """Decode a picture once more, for the lower byte of every sample.

    Pillow has no 16-bit color mode, but its unpackers for big-endian and little-endian samples each keep the byte that
    is the high one in their order: the wrong order therefore gives the low byte.
    """
    tile = low.tile[0]
    other: Any = OTHER_BYTE[raw_mode]
    low.tile = [tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)]
    low.load()
    return low


def _rows(image: ImageFile.ImageFile, top: int, bottom: int) -> np.ndarray:
    whole = (top, bottom) == (0, image.height)
    return np.asarray(image if whole else image.crop((0, top, image.width, bottom)))


def _pairs(data: np.ndarray) -> np.ndarray:
    """Return the 16-bit samples of bytes that stand in pairs, the high one first."""
    wide = data.astype(np.uint16)
    return (wide[..., 0::2] << 8) | wide[..., 1::2]


def _keyed_alpha(color: np.ndarray, key: Any) -> np.ndarray | None:
    """Return alpha for a PNG whose one color `key` is transparent."""
    if not isinstance(key, (int, tuple)):
        return None
    return (color != np.asarray(key)).any(axis=2).astype(np.float32)
