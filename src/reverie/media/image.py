"""Read pictures: any common format, upright, sRGB, alpha separate.

`read_picture` is exact and gives floats; `read_square` is quick and gives the bytes a training set is made of.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from reverie.errors import PictureError
from reverie.media.deep import to_uint8
from reverie.media.icc import image_to_srgb
from reverie.media.pixels import opaque, open_pixels, turned
from reverie.media.source import MAX_PIXELS, check_memory, opened_file, pixel_limit, read_blob, reading

__all__ = ["MAX_PIXELS", "Picture", "picture_notes", "read_picture", "read_small", "read_square", "to_uint8"]

LARGE_BYTES = 1 << 26  # of a file, from which on its header is read before the rest
HIDDEN = 1.0  # white, as which transparent places count wherever a picture is laid on something


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture.

    `rgb` is ``[H, W, 3]`` float32 sRGB in [0, 1], not multiplied by alpha; `alpha` is ``[H, W]`` float32, or None where
    everything is opaque; `bits` is 8 or 16; `sha256` is that of the file's bytes; `name` holds no folder; `notes` are
    lines for the user: what was left out or reduced.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    bits: int
    sha256: str
    name: str
    notes: tuple[str, ...] = ()


def read_picture(
    source: Path | str | BinaryIO, *, name: str = "", max_pixels: int | None = None, keep_hidden: bool = False
) -> Picture:
    """Read a picture upright and in sRGB, with all the precision it has; of several frames or pages, the first.

    The content decides the format, not the suffix. `max_pixels` defaults to REVERIE_MAX_PIXELS or `MAX_PIXELS`. Fully
    transparent pixels are white, so that nothing depends on what nobody sees; `keep_hidden` leaves them as stored.

    Raises:
        PictureError: missing, a folder, empty, damaged, not a picture, without pixels, with too many, or too large for
            the memory.
    """
    limit = pixel_limit(max_pixels)
    if isinstance(source, (str, Path)):
        _look_first(Path(source), name, limit)
    label, blob = read_blob(source, name, limit)
    with reading(label):
        found = open_pixels(io.BytesIO(blob), label, limit)
        check_memory(found.size, 8 * found.size[0] * found.size[1], label)
        rows, _ = found.rows()
        rgb, alpha = rows(0, found.size[0])
    rgb = np.ascontiguousarray(turned(rgb, found.orientation))
    if alpha is not None:
        alpha = None if alpha.min() >= 1 else np.ascontiguousarray(turned(alpha, found.orientation))
    if alpha is not None and not keep_hidden:
        rgb[alpha <= 0] = HIDDEN
    return Picture(rgb, alpha, found.bits, hashlib.sha256(blob).hexdigest(), Path(label).name, tuple(found.notes))


def _look_first(path: Path, name: str, limit: int) -> None:
    """Refuse a large file by its header, before all of it is in memory."""
    if path.is_file() and path.stat().st_size > LARGE_BYTES:
        with opened_file(path, name) as (label, stream), reading(label):
            open_pixels(stream, label, limit)


def picture_notes(path: Path) -> tuple[str, ...]:
    """Return what a picture's header says will be left out or reduced; nothing where it cannot be read.

    Whoever reads the picture itself says why it cannot be read, and what only its pixels tell.
    """
    try:
        with opened_file(path, path.name) as (label, stream), reading(label):
            return tuple(open_pixels(stream, label, pixel_limit()).notes)
    except PictureError:
        return ()


def picture_size(stream: BinaryIO, name: str) -> tuple[int, int]:
    """Return height and width of a picture, upright, by its header.

    Raises:
        PictureError: as `read_picture`.
    """
    with reading(name):
        return open_pixels(stream if stream.seekable() else io.BytesIO(stream.read()), name, pixel_limit()).upright


def read_square(stream: BinaryIO, size_px: int, name: str) -> np.ndarray:
    """Read the largest centered square of a picture, antialiased to ``[size_px, size_px, 3]`` uint8 sRGB.

    Transparent pictures are laid on white. JPEG is decoded at the smallest scale of at least twice the size asked for.

    Raises:
        PictureError: as `read_picture`.
    """
    limit = pixel_limit()
    with reading(name):
        stream = stream if stream.seekable() else io.BytesIO(stream.read())
        found = open_pixels(stream, name, limit)
        if found.image is None or found.image.format == "TIFF":
            stream.seek(0)
            return _square_of_picture(read_picture(stream, name=name, max_pixels=limit), size_px)
        check_memory((0, 0), 8 * found.size[0] * found.size[1], name)
        if found.image.format in ("JPEG", "MPO"):
            found.image.draft(None, (2 * size_px, 2 * size_px))
        square = image_to_srgb(_square(_on_white(found.load()), size_px), found.image.info.get("icc_profile"))
        return np.ascontiguousarray(turned(np.array(square), found.orientation))


def read_small(path: Path, most_px: int, *, max_pixels: int | None = None) -> np.ndarray:
    """Read a picture upright and in sRGB for looking at: its longer side at most `most_px`, ``[H, W, 3]`` uint8.

    Transparent pictures are laid on white.

    Raises:
        PictureError: as `read_picture`.
    """
    limit = pixel_limit(max_pixels)
    with opened_file(path, path.name) as (label, stream), reading(label):
        found = open_pixels(stream, label, limit)
        if found.image is None or found.image.format == "TIFF":
            picture = read_picture(path, max_pixels=limit)
            small = Image.fromarray(to_uint8(_laid_on_white(picture)))
            small.thumbnail((most_px, most_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
            return np.asarray(small)
        check_memory((0, 0), 8 * found.size[0] * found.size[1], label)
        if found.image.format in ("JPEG", "MPO"):
            found.image.draft(None, (2 * most_px, 2 * most_px))
        small = _on_white(found.load())
        small.thumbnail((most_px, most_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
        small = image_to_srgb(small, found.image.info.get("icc_profile"))
        rgb = small if small.mode == "RGB" else small.convert("RGB")
        return np.ascontiguousarray(turned(np.array(rgb), found.orientation))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return opaque(image)
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _square(image: Image.Image, size_px: int) -> Image.Image:
    width, height = image.size
    if width == height == size_px:
        return image
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size_px, size_px), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def _square_of_picture(picture: Picture, size_px: int) -> np.ndarray:
    return np.array(_square(Image.fromarray(to_uint8(_laid_on_white(picture))), size_px))


def _laid_on_white(picture: Picture) -> np.ndarray:
    if picture.alpha is None:
        return picture.rgb
    alpha = picture.alpha[..., None]
    return picture.rgb * alpha + (1 - alpha)
