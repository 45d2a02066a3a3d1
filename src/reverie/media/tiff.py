"""TIFF of 16 and 32 bits: integers, floats, many bands, and very large ones; and 16-bit TIFF written."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from reverie.errors import PictureError
from reverie.media.deep import Deep, to_unit
from reverie.media.source import BYTES_PER_PIXEL, check_size

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION, ICC_PROFILE = 274, 34675
MIN_IS_WHITE, MIN_IS_BLACK, RGB = 0, 1, 2
PREMULTIPLIED, STRAIGHT = 1, 2
MOST_LARGER, MOST_ODD_BYTES = 4, 1 << 24  # a tile may take so many times the picture's bytes, and so many more


def is_tiff(blob: bytes) -> bool:
    """Return whether bytes begin like a TIFF or a BigTIFF."""
    return blob[:4] in MAGIC


@dataclass(frozen=True, eq=False)
class DeepPage:
    """The first page of a TIFF that is not decoded yet.

    Attributes:
        size: height and width as stored.
        orientation: EXIF code still to be applied.
        decoded_bytes: what its samples take.
        notes: what is left out.
        decode: gives the samples.
    """

    size: tuple[int, int]
    orientation: int
    decoded_bytes: int
    notes: list[str]
    decode: Callable[[], Deep]


def open_deep_tiff(stream: BinaryIO, name: str, limit: int) -> DeepPage | None:
    """Return the first page, not yet decoded, or None where Pillow is the better reader (eight bits, CMYK, palettes).

    Only the first three bands of a many-banded picture are kept, in their order.

    Raises:
        PictureError: too many pixels, or strips that would inflate to more than the picture needs.
    """
    import tifffile

    try:
        length = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        file = tifffile.TiffFile(stream)
        page: Any = file.pages.first
    except Exception:  # Pillow gets its chance, and words the refusal
        return None
    check_size(page.imagewidth, page.imagelength, name, limit)
    if not _is_deep(page):
        return None
    if any(start + size > length for start, size in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise ValueError("the file ends before its pixels do")  # tifffile would fill in zeros
    _check_tiles(page, name, limit)
    name = Path(name).name
    notes = _left_out(file, page, name)
    code = page.tags.valueof(ORIENTATION, default=1)
    orientation = code if code in range(1, 9) else 1

    def decode() -> Deep:
        try:
            samples = page.asarray(maxworkers=1).reshape(page.shaped)
        except (RuntimeError, NotImplementedError) as error:
            raise ValueError(str(error)) from error
        deep = _deep(samples, page, page.tags.valueof(ICC_PROFILE), orientation)
        notes.extend(_stretch(deep.color, name))
        return deep

    return DeepPage((page.imagelength, page.imagewidth), orientation, page.nbytes, notes, decode)


def _left_out(file: TiffFile, page: Any, name: str) -> list[str]:
    """Return what of a file is not used, in words."""
    notes = [f"'{name}' has several pages; only the first is used"] if _has_more(file) else []
    bands = page.samplesperpixel
    if bands > 4 or (bands == 4 and not page.extrasamples):
        notes.append(f"'{name}' has {bands} bands; the first three are taken for red, green and blue")
    return notes


def _has_more(file: TiffFile) -> bool:
    """Tell whether there is a second page that is no smaller copy of the first."""
    try:
        return not file.pages[1].is_reduced  # type: ignore[union-attr]
    except Exception:  # none, or a broken one
        return False


def _check_tiles(page: TiffPage, name: str, limit: int) -> None:
    """Refuse tiles that are far larger than the picture: each is decoded whole, whatever part of it is seen."""
    tile = math.prod(page.chunks) * page.dtype.itemsize  # type: ignore[union-attr]
    if tile > max(BYTES_PER_PIXEL * limit, MOST_ODD_BYTES) or tile > MOST_LARGER * page.nbytes + MOST_ODD_BYTES:
        raise PictureError(f"'{name}' has tiles of {tile >> 20:,} MiB, more than its pixels need; it is damaged")


def _stretch(color: np.ndarray, name: str) -> list[str]:
    """Say that values are stretched, where they are no levels of a picture."""
    if color.dtype.kind == "u" and color.dtype.itemsize <= 2:
        return []
    finite = color[np.isfinite(color)] if color.dtype.kind == "f" else color
    ceiling = 1.0 if color.dtype.kind == "f" else 65535
    if not finite.size or (finite.min() >= 0 and finite.max() <= ceiling and finite.size == color.size):
        return []
    low, high = finite.min(), finite.max()
    if low >= 0 and high <= ceiling:
        return [f"'{name}' has values that are no numbers; they become black"]
    return [f"'{name}' has values from {low:.6g} to {high:.6g}; they are stretched to the range of a picture"]


def encode_tiff(samples: np.ndarray, description: str) -> bytes:
    """Return ``[H, W, 3 or 4]`` uint16 as the bytes of a zlib-compressed TIFF; the same input gives the same bytes."""
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(
        out,
        samples,
        photometric="rgb",
        extrasamples=["unassalpha"] if samples.shape[2] == 4 else None,
        compression="zlib",
        predictor=True,
        description=description or None,
        metadata=None,
        software="Reverie",
    )
    return out.getvalue()


def _is_deep(page: TiffPage) -> bool:
    """Return whether a page holds what Pillow would cut to eight bits, refuse, or clip."""
    if page.dtype is None or page.dtype.kind not in "uif" or page.photometric not in (MIN_IS_WHITE, MIN_IS_BLACK, RGB):
        return False
    large = page.imagewidth * page.imagelength > (Image.MAX_IMAGE_PIXELS or math.inf)  # Pillow may refuse its strips
    return page.dtype.itemsize > 1 or page.dtype.kind == "i" or page.samplesperpixel > 4 or large


def _deep(samples: np.ndarray, page: TiffPage, profile: bytes | None, orientation: int) -> Deep:
    """Sort the samples, shaped [planes, depth, H, W, channels], into color and alpha."""
    bands = samples[:, 0].transpose(1, 2, 0, 3).reshape(samples.shape[2], samples.shape[3], -1)
    channels = 3 if page.photometric == RGB or bands.shape[2] >= 3 else 1
    color = bands[..., :channels]
    if page.photometric == MIN_IS_WHITE and color.dtype.kind == "u":
        color = np.iinfo(color.dtype).max - color
    kind = page.extrasamples[0] if page.extrasamples else None
    if kind not in (PREMULTIPLIED, STRAIGHT) or bands.shape[2] != channels + 1:
        return Deep(color, None, profile, orientation)
    alpha = to_unit(bands[..., channels])
    if kind == PREMULTIPLIED:
        color = np.clip(to_unit(color) / np.maximum(alpha, 1e-6)[..., None], 0.0, 1.0)
    return Deep(color, alpha, profile, orientation)
