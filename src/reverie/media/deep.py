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


def read_deep(image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]) -> Deep | None:
    """Return the samples of an opened picture of more than eight bits, or None if eight is all it has.

    `reopen` opens the same bytes a second time. Orientation is left at 1: it belongs to the picture, not the samples.
    """
    profile = image.info.get("icc_profile")
    if image.mode in NUMBERS:
        image.load()
        color = np.asarray(image)[..., None]
        return Deep(color, _keyed_alpha(color, image.info.get("transparency")), profile)
    raw_mode = _raw_mode(image)
    if raw_mode == "LA;16B":
        samples = _grey_and_alpha(image)
    elif raw_mode in OTHER_BYTE:
        samples = _both_bytes(image, reopen(), raw_mode)
    else:
        return None
    channels = samples.shape[2] - (samples.shape[2] % 2 == 0)
    color = samples[..., :channels]
    if samples.shape[2] > channels:
        return Deep(color, to_unit(samples[..., channels]), profile)
    return Deep(color, _keyed_alpha(color, image.info.get("transparency")), profile)


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
    return _quantized(rgb, 255).astype(np.uint8)


def to_uint16(rgb: np.ndarray) -> np.ndarray:
    """Return values of [0, 1] as 16-bit samples, rounded to nearest; clipped like `to_uint8`."""
    return _quantized(rgb, 65535).astype(np.uint16)


def _quantized(rgb: np.ndarray, levels: int) -> np.ndarray:
    values = np.nan_to_num(np.asarray(rgb, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return np.clip(values, 0.0, 1.0) * np.float32(levels) + np.float32(0.5)


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for the layout of the stored samples; only PNG and libtiff keep it within reach."""
    if image.format not in ("PNG", "TIFF") or len(image.tile) != 1:
        return ""
    args: Any = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) and args else args)


def _both_bytes(high: ImageFile.ImageFile, low: ImageFile.ImageFile, raw_mode: str) -> np.ndarray:
    """Decode twice, once for either byte of every sample.

    Pillow has no 16-bit color mode, but its unpackers for big-endian and little-endian samples each keep the byte that
    is the high one in their order: the wrong order therefore gives the low byte.
    """
    tile = low.tile[0]
    other: Any = OTHER_BYTE[raw_mode]
    low.tile = [tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)]
    return (np.asarray(high).astype(np.uint16) << 8) | np.asarray(low)


def _grey_and_alpha(image: ImageFile.ImageFile) -> np.ndarray:
    """Read 16-bit grey and alpha as four bytes per pixel: there is no low-byte unpacker for this layout."""
    image.tile = [image.tile[0]._replace(args="RGBA")]
    data = np.asarray(image).astype(np.uint16)
    return (data[..., 0::2] << 8) | data[..., 1::2]


def _keyed_alpha(color: np.ndarray, key: Any) -> np.ndarray | None:
    """Return alpha for a PNG whose one color `key` is transparent."""
    if not isinstance(key, (int, tuple)):
        return None
    return (color != np.asarray(key)).any(axis=2).astype(np.float32)
