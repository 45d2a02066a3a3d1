"""TIFF of 16 and 32 bits: integers, floats, many bands; and 16-bit TIFF written."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from reverie.media.deep import Deep, to_unit
from reverie.media.source import check_size

if TYPE_CHECKING:
    from tifffile import TiffPage

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION, ICC_PROFILE = 274, 34675
MIN_IS_WHITE, MIN_IS_BLACK, RGB = 0, 1, 2
PREMULTIPLIED, STRAIGHT = 1, 2


def is_tiff(blob: bytes) -> bool:
    """Return whether bytes begin like a TIFF or a BigTIFF."""
    return blob[:4] in MAGIC


def read_deep_tiff(stream: BinaryIO, name: str, limit: int) -> Deep | None:
    """Return the first page, or None where Pillow is the better reader (eight bits, CMYK, compressions beyond zlib).

    Only the first three bands of a many-banded picture are kept, in their order.

    Raises:
        PictureError: too many pixels.
    """
    import tifffile

    try:
        length = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        file = tifffile.TiffFile(stream)
    except Exception:  # Pillow gets its chance, and words the refusal
        return None
    with file:
        page = file.pages.first
        check_size(page.imagewidth, page.imagelength, name, limit)
        if not _is_deep(page):
            return None
        if any(start + size > length for start, size in zip(page.dataoffsets, page.databytecounts, strict=False)):
            raise ValueError("the file ends before its pixels do")  # tifffile would fill in zeros
        try:
            samples = page.asarray(maxworkers=1).reshape(page.shaped)
        except (ValueError, RuntimeError, NotImplementedError):  # a codec that is not installed
            return None
        orientation = page.tags.valueof(ORIENTATION, default=1)
        return _deep(samples, page, page.tags.valueof(ICC_PROFILE), orientation if orientation in range(1, 9) else 1)


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
    return page.dtype.itemsize > 1 or page.dtype.kind == "i" or page.samplesperpixel > 4


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
