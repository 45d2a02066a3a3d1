"""One way to the pixels of a picture file, whatever its format and depth; every reader goes through it.

`open_pixels` reads the header, says what it is and what will be left out, and bounds what decoding it takes; only
`Pixels.load` decodes. Eight bits go through Pillow; what has more goes through tifffile, imagecodecs and pillow_heif,
because Pillow cuts it to eight without saying so.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from reverie.errors import PictureError
from reverie.media.deep import Deep, deep_rows, is_deep, to_uint8, to_unit
from reverie.media.headers import LOOKED_AT, avif_bits, jpeg2000_bits, jpeg_frame
from reverie.media.icc import image_to_srgb, samples_to_srgb
from reverie.media.png_rows import check_rows
from reverie.media.source import check_memory, check_size, open_picture
from reverie.media.tiff import is_tiff, open_deep_tiff

ORIENTATION = 0x0112
CARRIES_ORIENTATION = frozenset(("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"))
GREY_MODES = frozenset(("1", "L", "LA", "La"))
UPRIGHT_FORMATS = ("TIFF", "HEIF")  # come upright from Pillow and carry no code any more
MOVING = ("GIF", "WEBP", "PNG", "AVIF")
HIGHEST = 65535

Rows = Callable[[int, int], tuple[np.ndarray, np.ndarray | None]]
"""Takes (top, bottom); returns ``[n, W, 3]`` float32 sRGB and ``[n, W]`` alpha or None, not yet turned upright."""


@dataclass(eq=False)
class Pixels:
    """A picture whose header was read.

    Attributes:
        size: height and width as stored, before it is turned upright.
        bits: 8, or 16 for all that has more.
        orientation: EXIF code of what is still to be turned.
        notes: lines for the user: what is left out or reduced.
        image: Pillow's, for what has eight bits; None where `samples` gives more.
        samples: decodes what has more than eight bits and returns what gives any rows of it.
        file: the open file.
        name: for messages.
    """

    size: tuple[int, int]
    bits: int
    orientation: int
    file: BinaryIO
    name: str
    image: ImageFile.ImageFile | None = None
    samples: Callable[[], Callable[[int, int], Deep]] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def upright(self) -> tuple[int, int]:
        """Height and width, upright."""
        return self.size if self.orientation <= 4 else (self.size[1], self.size[0])

    def load(self) -> Image.Image:
        """Decode a picture of eight bits with Pillow and return it.

        Raises:
            PictureError: rows are missing.
        """
        assert self.image is not None
        self.image.load()
        check_rows(self.image, self.file, self.name)
        self.settle(self.image)
        return self.image

    def settle(self, image: ImageFile.ImageFile) -> None:
        """Note what is sure only now: EXIF may stand behind the pixels, and the size of HEIC may change."""
        self.size, self.orientation = (image.height, image.width), orientation_of(image)

    def rows(self) -> tuple[Rows, np.dtype]:
        """Decode it; return what gives its rows, and the type of its samples."""
        if self.samples is None:
            return _of_bytes(self.load()), np.dtype(np.uint8)
        samples = self.samples()
        return _of_deep(samples, self.notes), samples(0, 1).color.dtype


def open_pixels(file: BinaryIO, name: str, limit: int) -> Pixels:
    """Read the header of a picture.

    Args:
        file: seekable; must stay open until the pixels are there.
        name: for messages.
        limit: most pixels.

    Raises:
        PictureError: no picture, a broken header, or too many pixels.
    """
    file.seek(0)
    head = file.read(LOOKED_AT)
    if is_tiff(head):
        found = _of_tiff(file, name, limit)
    elif head[:2] == b"\xff\xd8" and (found := _of_odd_jpeg(file, head, name, limit)) is not None:
        return found
    else:
        found = None
    return found or _of_pillow(file, head, name, limit)


def orientation_of(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation code, 1 to 8, of an opened picture; an unreadable one counts as upright."""
    if image.format in UPRIGHT_FORMATS or CARRIES_ORIENTATION.isdisjoint(image.info):
        return 1
    try:
        code = image.getexif().get(ORIENTATION, 1)
    except Exception:  # broken EXIF raises anything; the pixels are fine all the same
        return 1
    return code if code in range(1, 9) else 1


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn ``[H, W, ...]`` upright; codes above 4 exchange rows and columns, then come the mirrors.

    Source: Exif 2.32, tag 0x0112: the code says which edges of the scene row 0 and column 0 are.
    """
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return pixels[::rows, ::columns]


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


# -- formats ----------------------------------------------------------------------------------------------------------


def _of_tiff(file: BinaryIO, name: str, limit: int) -> Pixels | None:
    page = open_deep_tiff(file, name, limit)
    if page is None:
        return None
    check_memory(page.size, page.decoded_bytes, name)
    return Pixels(page.size, 16, page.orientation, file, name, samples=lambda: _whole(page.decode()), notes=page.notes)


def _of_odd_jpeg(file: BinaryIO, head: bytes, name: str, limit: int) -> Pixels | None:
    """Return a JPEG of 12 bits or of the lossless process, which libjpeg as Pillow has it does not read."""
    frame = jpeg_frame(head) or (jpeg_frame(_all(file)) if len(head) == LOOKED_AT else None)
    if frame is None or (frame.bits == 8 and not frame.lossless):
        return None
    check_size(frame.width, frame.height, name, limit)
    if frame.channels not in (1, 3):
        raise PictureError(f"'{name}' is a JPEG of {frame.bits} bits in {frame.channels} colors; expected grey or RGB")

    def decode() -> Callable[[int, int], Deep]:
        import imagecodecs

        return _whole(_scaled(imagecodecs.jpeg_decode(_all(file)), frame.bits, None))

    return Pixels((frame.height, frame.width), 16, 1, file, name, samples=decode)


def _of_pillow(file: BinaryIO, head: bytes, name: str, limit: int) -> Pixels:
    image = open_picture(file, name, limit)
    found = Pixels((image.height, image.width), 8, orientation_of(image), file, name, image, notes=_notes(image, name))
    profile = image.info.get("icc_profile")
    if image.format == "JPEG2000":
        known = jpeg2000_bits(head)
        if known is not None and known[0] > 8:
            check_size(*known[1], name, limit)
            found.samples = lambda: _whole(_scaled(_jpeg2000(file), known[0], profile))
    elif image.format == "AVIF" and (bits := avif_bits(head)) > 8:
        found.samples = lambda: _whole(_scaled(_avif(file), bits, profile))
    elif image.format == "HEIF" and (bits := image.info.get("bit_depth", 8)) > 8:
        found.samples = lambda: _whole(_heif(file, bits, profile))
    elif is_deep(image):
        found.samples = lambda: _of_modes(found, image, limit)
    if found.samples is not None:
        found.image, found.bits = None, 16
    return found


def _of_modes(found: Pixels, image: ImageFile.ImageFile, limit: int) -> Callable[[int, int], Deep]:
    samples = deep_rows(image, lambda: open_picture(io.BytesIO(_all(found.file)), found.name, limit))
    assert samples is not None
    check_rows(image, found.file, found.name)
    found.settle(image)
    return samples


def _jpeg2000(file: BinaryIO) -> np.ndarray:
    import imagecodecs

    return imagecodecs.jpeg2k_decode(_all(file))


def _avif(file: BinaryIO) -> np.ndarray:
    import imagecodecs

    return imagecodecs.avif_decode(_all(file), index=0)


def _heif(file: BinaryIO, bits: int, profile: bytes | None) -> Deep:
    import pillow_heif

    found = pillow_heif.open_heif(io.BytesIO(_all(file)), convert_hdr_to_8bit=False)
    samples = np.asarray(found)
    return _scaled(samples >> (16 - bits) if samples.dtype.itemsize == 2 else samples, bits, profile)


def _scaled(samples: np.ndarray, bits: int, profile: bytes | None) -> Deep:
    """Return whole numbers of `bits` bits as 16 bits, sorted into color and alpha."""
    values = samples[..., None] if samples.ndim == 2 else samples
    if values.ndim != 3 or values.shape[2] > 4 or values.dtype.kind != "u":
        raise PictureError(f"samples of shape {list(samples.shape)} and type {samples.dtype} are no picture")
    most = (1 << min(bits, 8 * values.dtype.itemsize)) - 1
    wide = ((np.minimum(values, most).astype(np.uint32) * HIGHEST + most // 2) // most).astype(np.uint16)
    channels = wide.shape[2] - (wide.shape[2] % 2 == 0)
    return Deep(wide[..., :channels], to_unit(wide[..., channels]) if wide.shape[2] > channels else None, profile)


def _notes(image: ImageFile.ImageFile, name: str) -> list[str]:
    notes, name = [], Path(name).name
    if image.format in MOVING and getattr(image, "is_animated", False):
        notes.append(f"'{name}' has several frames; only the first is used")
    if high := image.info.get("high_range"):
        notes.append(f"'{name}' is HDR ({high}): its highlights are compressed to what a screen shows as white")
    return notes


def _all(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


# -- rows -------------------------------------------------------------------------------------------------------------


def _whole(deep: Deep) -> Callable[[int, int], Deep]:
    def rows(top: int, bottom: int) -> Deep:
        return Deep(deep.color[top:bottom], None if deep.alpha is None else deep.alpha[top:bottom], deep.profile)

    return rows


def _of_deep(samples: Callable[[int, int], Deep], notes: list[str]) -> Rows:
    def rows(top: int, bottom: int) -> tuple[np.ndarray, np.ndarray | None]:
        deep = samples(top, bottom)
        color = to_unit(deep.color)
        if color.shape[2] == 1 and deep.profile and deep.profile[16:20] == b"RGB ":
            color = np.repeat(color, 3, axis=2)
        rgb = samples_to_srgb(color, deep.profile)
        if rgb is None:  # a profile of lookup tables: LittleCMS through Pillow knows them, in eight bits
            note = "the color profile is one of tables: colors are converted with 8 bits"
            notes.extend([] if note in notes else [note])
            layers = to_uint8(color)
            picture = Image.fromarray(layers if layers.shape[2] == 3 else layers[..., 0])
            rgb = to_unit(np.asarray(image_to_srgb(picture, deep.profile)))
        return np.repeat(rgb, 3, axis=2) if rgb.shape[2] == 1 else rgb, deep.alpha

    return rows


def _of_bytes(image: Image.Image) -> Rows:
    transparent = image.has_transparency_data

    def rows(top: int, bottom: int) -> tuple[np.ndarray, np.ndarray | None]:
        whole = (top, bottom) == (0, image.height)
        strip = image if whole else image.crop((0, top, image.width, bottom))
        alpha = to_unit(np.asarray(strip.convert("RGBA").getchannel("A"))) if transparent else None
        return to_unit(np.asarray(image_to_srgb(opaque(strip), image.info.get("icc_profile")))), alpha

    return rows
