"""Read pictures: any common format, upright, sRGB, alpha apart.

`read_picture` is exact and gives floats; `read_square` is quick and gives the bytes a training set is made of.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from reverie.media.deep import Deep, is_deep, read_deep, to_uint8, to_unit
from reverie.media.icc import image_to_srgb, samples_to_srgb
from reverie.media.source import MAX_PIXELS, open_picture, pixel_limit, read_blob, reading
from reverie.media.tiff import is_tiff, read_deep_tiff

__all__ = ["MAX_PIXELS", "Picture", "read_picture", "read_square", "to_uint8"]

ORIENTATION = 0x0112
CARRIES_ORIENTATION = frozenset(("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"))
GREY_MODES = frozenset(("1", "L", "LA", "La"))


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture.

    `rgb` is ``[H, W, 3]`` float32 sRGB in [0, 1], not multiplied by alpha; `alpha` is ``[H, W]`` float32, or None where
    everything is opaque; `bits` is 8 or 16; `sha256` is that of the file's bytes; `name` holds no folder.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    bits: int
    sha256: str
    name: str


def read_picture(source: Path | str | BinaryIO, *, name: str = "", max_pixels: int | None = None) -> Picture:
    """Read a picture upright and in sRGB, with all the precision it has; of several frames or pages, the first.

    The content decides the format, not the suffix. `max_pixels` defaults to REVERIE_MAX_PIXELS or `MAX_PIXELS`.

    Raises:
        PictureError: missing, a folder, empty, damaged, not a picture, without pixels, or with too many.
    """
    limit = pixel_limit(max_pixels)
    label, blob = read_blob(source, name, limit)
    with reading(label):
        rgb, alpha, bits = _decoded(blob, label, limit)
    if alpha is not None and alpha.min() >= 1:
        alpha = None
    return Picture(rgb, alpha, bits, hashlib.sha256(blob).hexdigest(), Path(label).name)


def read_square(stream: BinaryIO, size_px: int, name: str) -> np.ndarray:
    """Read the largest centered square of a picture, antialiased to ``[size_px, size_px, 3]`` uint8 sRGB.

    Transparent pictures are laid on white. JPEG is decoded at the smallest scale of at least twice the size asked for.

    Raises:
        PictureError: as `read_picture`.
    """
    limit = pixel_limit()
    with reading(name):
        stream = stream if stream.seekable() else io.BytesIO(stream.read())
        image = open_picture(stream, name, limit)
        if image.format == "TIFF" or is_deep(image):
            stream.seek(0)
            return _square_of_picture(read_picture(stream, name=name, max_pixels=limit), size_px)
        if image.format in ("JPEG", "MPO"):
            image.draft(None, (2 * size_px, 2 * size_px))
        image.load()
        square = image_to_srgb(_square(_on_white(image), size_px), image.info.get("icc_profile"))
        return np.ascontiguousarray(_turned(np.array(square), orientation_of(image)))


def read_small(path: Path, most_px: int, *, max_pixels: int | None = None) -> np.ndarray:
    """Read a picture upright and in sRGB for looking at: its longer side at most `most_px`, ``[H, W, 3]`` uint8.

    Transparent pictures are laid on white.

    Raises:
        PictureError: as `read_picture`.
    """
    limit = pixel_limit(max_pixels)
    with path.open("rb") as stream, reading(path.name):
        image = open_picture(stream, path.name, limit)
        if image.format == "TIFF" or is_deep(image):
            picture = read_picture(path, max_pixels=limit)
            small = Image.fromarray(to_uint8(picture.rgb))
            small.thumbnail((most_px, most_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
            return np.asarray(small)
        if image.format in ("JPEG", "MPO"):
            image.draft(None, (2 * most_px, 2 * most_px))
        image.load()
        small = _on_white(image)
        small.thumbnail((most_px, most_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
        small = image_to_srgb(small, image.info.get("icc_profile"))
        rgb = small if small.mode == "RGB" else small.convert("RGB")
        return np.ascontiguousarray(_turned(np.array(rgb), orientation_of(image)))


def _decoded(blob: bytes, name: str, limit: int) -> tuple[np.ndarray, np.ndarray | None, int]:
    deep = read_deep_tiff(io.BytesIO(blob), name, limit) if is_tiff(blob) else None
    if deep is not None:
        return _finished(deep)
    image = open_picture(io.BytesIO(blob), name, limit)
    deep = read_deep(image, lambda: open_picture(io.BytesIO(blob), name, limit))
    if deep is not None:
        return _finished(Deep(deep.color, deep.alpha, deep.profile, orientation_of(image)))
    image.load()
    orientation = orientation_of(image)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    rgb = image_to_srgb(opaque(image), image.info.get("icc_profile"))
    turned = _turned(np.asarray(rgb), orientation)
    return to_unit(turned), None if alpha is None else to_unit(_turned(np.asarray(alpha), orientation)), 8


def _finished(deep: Deep) -> tuple[np.ndarray, np.ndarray | None, int]:
    color = to_unit(deep.color)
    if color.shape[2] == 1 and deep.profile and deep.profile[16:20] == b"RGB ":
        color = np.repeat(color, 3, axis=2)
    rgb, bits = samples_to_srgb(color, deep.profile), 16
    if rgb is None:  # a profile of lookup tables: LittleCMS through Pillow knows them, in eight bits
        layers = to_uint8(color)
        picture = Image.fromarray(layers if layers.shape[2] == 3 else layers[..., 0])
        rgb, bits = to_unit(np.asarray(image_to_srgb(picture, deep.profile))), 8
    rgb = np.repeat(rgb, 3, axis=2) if rgb.shape[2] == 1 else rgb
    alpha = None if deep.alpha is None else np.ascontiguousarray(_turned(deep.alpha, deep.orientation))
    return np.ascontiguousarray(_turned(rgb, deep.orientation)), alpha, bits


def opaque(image: Image.Image) -> Image.Image:
    """Return the picture in a mode that has a profile space of its own, alpha dropped."""
    if image.mode in ("RGB", "L", "CMYK", "LAB"):
        return image
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode in GREY_MODES:
        return image.convert("L")
    if image.mode == "RGBa":
        image = image.convert("RGBA")
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA").convert("RGB")  # keeps the palette's own color under transparent pixels
    return image.convert("RGB")


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
    rgb = picture.rgb
    if picture.alpha is not None:
        alpha = picture.alpha[..., None]
        rgb = rgb * alpha + (1 - alpha)
    return np.array(_square(Image.fromarray(to_uint8(rgb)), size_px))


def orientation_of(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation code, 1 to 8, of a loaded picture; an unreadable one counts as upright.

    TIFF and HEIF come upright from Pillow and carry no code any more.
    """
    if CARRIES_ORIENTATION.isdisjoint(image.info):
        return 1
    try:
        code = image.getexif().get(ORIENTATION, 1)
    except Exception:  # broken EXIF raises anything; the pixels are fine all the same
        return 1
    return code if code in range(1, 9) else 1


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn ``[H, W, ...]`` upright; codes above 4 exchange rows and columns, then come the mirrors.

    Source: Exif 2.32, tag 0x0112: the code says which edges of the scene row 0 and column 0 are.
    """
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return pixels[::rows, ::columns]
