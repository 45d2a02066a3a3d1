"""Whether a file that came from elsewhere is a picture to learn from: decoded to its last pixel, large, in color."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from reverie.data.net.address import RefusedError
from reverie.data.perceptual import Hashes, hashes_of
from reverie.errors import PictureError
from reverie.media.source import open_picture, reading

MOST_PIXELS = 100_000_000
GREY = 6.0  # mean of max(R, G, B) - min(R, G, B), of 255: sepia prints have 15 and more, neutral scans below 4
FLAT = 4.0  # standard deviation of brightness, of 255, below which there is nothing to see
SUFFIX = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "AVIF": ".avif", "TIFF": ".tif",
          "GIF": ".gif", "BMP": ".bmp", "HEIF": ".heic", "JPEG2000": ".jp2", "PPM": ".ppm"}  # fmt: skip


@dataclass(frozen=True)
class Bounds:
    """What a picture must be.

    Attributes:
        least_px: of the shorter side.
        most_aspect: of the longer side to the shorter.
        grey: whether black and white ones are taken.
    """

    least_px: int = 256
    most_aspect: float = 3.0
    grey: bool = False


@dataclass(frozen=True)
class Checked:
    """What was found out about a good picture."""

    width: int
    height: int
    sha256: str
    sha1: str
    suffix: str
    hashes: Hashes


def check_picture(blob: bytes, bounds: Bounds) -> Checked:
    """Decode a picture whole, and measure it.

    Raises:
        RefusedError: in one clause, why it is not taken.
    """
    try:
        with reading("the picture"):
            image = open_picture(io.BytesIO(blob), "the picture", MOST_PIXELS)
            _check_size(image.size, bounds)
            image.load()
            small = image.convert("RGB").resize((64, 64), Image.Resampling.BOX)
            found = hashes_of(small)
    except PictureError as error:
        raise RefusedError(str(error).split(";")[0]) from error
    values = np.asarray(small, np.float32)
    if float(values.mean(2).std()) < FLAT:
        raise RefusedError("the picture is empty: one color all over")
    if not bounds.grey and float((values.max(2) - values.min(2)).mean()) < GREY:
        raise RefusedError("the picture is black and white")
    suffix = SUFFIX.get(image.format or "", ".img")
    sums = hashlib.sha256(blob).hexdigest(), hashlib.sha1(blob).hexdigest()
    return Checked(*image.size, *sums, suffix, found)


def _check_size(size: tuple[int, int], bounds: Bounds) -> None:
    width, height = size
    if min(size) < bounds.least_px:
        raise RefusedError(f"the picture is {width} x {height} px, too small")
    if max(size) > bounds.most_aspect * min(size):
        raise RefusedError(f"the picture is {width} x {height} px, too narrow")
