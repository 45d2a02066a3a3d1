"""Open a file of pixels safely: what it is by its content, how large it is by its header, one error for all ends.

Nothing is decoded here. Every decoder's exception becomes one `PictureError`, and none of their warnings escape.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from reverie.errors import InputError, PictureError, ReverieError
from reverie.media.budget import format_bytes, reading_budget
from reverie.media.cicp import high_range, profile_of
from reverie.media.headers import LOOKED_AT, code_points

MAX_PIXELS = 200_000_000
LIMIT_VARIABLE = "REVERIE_MAX_PIXELS"
FLOAT_BYTES = 16  # of a pixel as floats: color and what is made of it on the way
BYTES_PER_PIXEL = 16  # four channels of 32 bits: a file larger than this for every allowed pixel cannot be one picture
READABLE = "PNG, JPEG, WebP, AVIF, HEIC, TIFF, GIF, BMP, PPM or JPEG 2000"

# A closed list: Pillow's full one reaches Ghostscript and dozens of rarely fuzzed parsers.
FORMATS: tuple[str, ...] = tuple(
    str(plugin.format)
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        WebPImagePlugin.WebPImageFile,
        AvifImagePlugin.AvifImageFile,
        TiffImagePlugin.TiffImageFile,
        GifImagePlugin.GifImageFile,
        BmpImagePlugin.BmpImageFile,
        PpmImagePlugin.PpmImageFile,
        Jpeg2KImagePlugin.Jpeg2KImageFile,
    )
)

OTHER_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "a PDF"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL ", "a JPEG XL picture"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML or SVG file"),
    (0, b"<!", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (4, b"ftyp", "a video or an unknown HEIF picture"),
)


def pixel_limit(given: int | None = None) -> int:
    """Return the largest number of pixels allowed: as given, else from REVERIE_MAX_PIXELS, else `MAX_PIXELS`.

    Raises:
        InputError: the environment variable is not a positive whole number.
    """
    if given is not None:
        return given
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text:
        return MAX_PIXELS
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{LIMIT_VARIABLE} is '{text}'; expected a positive whole number of pixels")
    return int(text)


VIDEO_BRANDS = frozenset(  # of files that share their container with HEIC and AVIF
    (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"M4VH", b"dash")
)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises inside the block into one `PictureError` that names the picture."""
    try:
        yield
    except ReverieError:
        raise
    except MemoryError as error:
        raise PictureError(f"'{name}' does not fit into memory; make it smaller first") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, EOFError and others
        raise PictureError(f"'{name}' is cut short or damaged ({_one_line(error)}); get a fresh copy") from error


def read_blob(source: Path | str | BinaryIO, name: str, limit: int) -> tuple[str, bytes]:
    """Return what to call the picture in messages, and its bytes.

    Raises:
        PictureError: missing, not a plain file, unreadable, empty, or too many bytes for `limit` pixels.
    """
    label = name or str(source if isinstance(source, (str, Path)) else getattr(source, "name", "picture"))
    most = BYTES_PER_PIXEL * limit + (1 << 20)
    try:
        if isinstance(source, (str, Path)):
            _check_file(Path(source), label)
            with Path(source).open("rb") as file:  # of a size that is known too much, nothing is read
                blob = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else None
        else:
            blob = source.read(most + 1)
    except OSError as error:
        raise PictureError(f"'{label}' cannot be read: {error.strerror or error}") from error
    if blob is None or len(blob) > most:
        raise PictureError(f"'{label}' is more than {most >> 20} MiB; no picture of {limit:,} pixels needs that")
    if not blob:
        raise PictureError(f"'{label}' is empty (0 bytes)")
    return label, blob


@contextmanager
def opened_file(path: Path | str, name: str = "") -> Iterator[tuple[str, BinaryIO]]:
    """Give what to call a picture file in messages, and its open stream: for reading its header without its pixels.

    Raises:
        PictureError: missing, not a plain file, unreadable or empty.
    """
    label = name or str(path)
    _check_file(Path(path), label)
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below; only the opening may raise what is caught here
    except OSError as error:
        raise PictureError(f"'{label}' cannot be read: {error.strerror or error}") from error
    with stream:
        if not stream.read(1):
            raise PictureError(f"'{label}' is empty (0 bytes)")
        stream.seek(0)
        yield label, stream


def pixels_of(path: Path | str) -> int:
    """Return how many pixels a file's header promises, 0 where it cannot be read; whoever reads it says why."""
    try:
        with opened_file(path) as (label, stream):
            width, height = open_picture(stream, label, pixel_limit()).size
    except PictureError:
        return 0
    return width * height


def open_picture(stream: BinaryIO, name: str, limit: int) -> ImageFile.ImageFile:
    """Open a picture by its content, reading only the header.

    Pillow's own `Image.open` is not used: it warns and refuses by a process-wide limit that is not ours to change.

    Raises:
        PictureError: empty, not a picture, a broken header, no pixels, or more pixels than `limit`.
    """
    _quiet_decoders()
    stream.seek(0)
    head = stream.read(LOOKED_AT)
    prefix = head[:16]
    if prefix[4:8] == b"ftyp" and prefix[8:12] in VIDEO_BRANDS:
        raise PictureError(f"'{name}' is a video; expected {READABLE}")
    failure: Exception | None = None
    for kind in _candidates(prefix):
        stream.seek(0)
        try:
            picture = Image.OPEN[kind][0](stream, "")
        except Exception as error:  # as in `reading`; another format may still accept the same first bytes
            failure = error
            continue
        check_size(picture.size[0], picture.size[1], name, limit)
        _complete(picture, head)
        return picture
    if failure is not None and "not identified by this driver" in str(failure):  # Pillow's words for a size of zero
        raise PictureError(f"'{name}' has no pixels: its header gives no size") from failure
    if failure is not None:
        raise PictureError(f"'{name}' is cut short or damaged ({_one_line(failure)}); get a fresh copy") from failure
    raise PictureError(_not_a_picture(prefix, name))


def _complete(picture: ImageFile.ImageFile, head: bytes) -> None:
    """Add to a picture's facts what Pillow leaves out or gets wrong."""
    points = code_points(head) if picture.format in ("PNG", "AVIF", "HEIF") else None
    profile = None if points is None else profile_of(*points)
    if points is not None and (profile is not None or picture.format == "PNG"):  # a PNG's cICP counts before iCCP
        picture.info["icc_profile"], picture.info["high_range"] = profile, high_range(points[1])
    key, bits = picture.info.get("transparency"), head[24:25]
    if picture.format == "PNG" and picture.mode == "L" and isinstance(key, int) and bits in (b"\x02", b"\x04"):
        picture.info["transparency"] = key * 255 // ((1 << bits[0]) - 1)  # pixels are scaled to 255, the key is not


def check_size(width: int, height: int, name: str, limit: int) -> None:
    """Refuse a picture without pixels or with too many, before a byte of it is decoded.

    Raises:
        PictureError: always names the size, and the limit where that is the reason.
    """
    if width < 1 or height < 1:
        raise PictureError(f"'{name}' has no pixels ({width} x {height})")
    if width * height > limit:
        raise PictureError(
            f"'{name}' is {width} x {height} = {width * height:,} pixels, more than the limit of {limit:,}; "
            f"make it smaller or set {LIMIT_VARIABLE}"
        )


def check_memory(size: tuple[int, int], decoded_bytes: int, name: str) -> None:
    """Refuse a picture that would not fit into the memory, before a byte of it is decoded.

    Args:
        size: height and width.
        decoded_bytes: what its decoder needs, besides the floats that the picture becomes.
        name: for messages.

    Raises:
        PictureError: says what it would take, and what there is.
    """
    needed = decoded_bytes + FLOAT_BYTES * size[0] * size[1]
    room = reading_budget()
    if needed > room:
        raise PictureError(
            f"'{name}' is {size[1]} x {size[0]} px: reading it takes about {format_bytes(needed)}, "
            f"{format_bytes(room)} of memory may be used; make it smaller, or give more with --max-memory"
        )


def _candidates(prefix: bytes) -> Iterator[str]:
    if prefix[4:8] == b"ftyp" and prefix[8:12] not in (b"avif", b"avis"):
        _register_heif()
        yield "HEIF"
    for kind in FORMATS:
        accept = Image.OPEN[kind][1]
        verdict = accept(prefix) if accept else True
        if verdict and not isinstance(verdict, str):  # a string says that Pillow was built without this decoder
            yield kind


@cache
def _register_heif() -> None:
    """Teach Pillow HEIC; on first need, because the library is large and most pictures are not HEIC."""
    import pillow_heif

    pillow_heif.register_heif_opener()


_FILTER = ("ignore", None, Warning, re.compile(r"(PIL|tifffile|pillow_heif)\b"), 0)


def _quiet_decoders() -> None:
    """Silence the decoders' warnings about harmless oddities, such as a corrupt EXIF block.

    `warnings.catch_warnings` swaps process-wide state and is unsafe in the threads that decode training pictures, so
    one filter for the decoders' own modules is kept in front instead.
    """
    if warnings.filters and warnings.filters[0] == _FILTER:
        return
    warnings.filterwarnings("ignore", module=_FILTER[3].pattern)
    logging.getLogger("tifffile").addHandler(_NO_LOG)


_NO_LOG = logging.NullHandler()


def _check_file(path: Path, label: str) -> None:
    if path.is_dir():
        raise PictureError(f"'{label}' is a folder; expected one picture file")
    if path.is_file():
        return
    if path.exists():
        raise PictureError(f"'{label}' is not a plain file; expected one picture file")
    if not path.parent.is_dir():
        raise PictureError(f"no picture at '{label}': there is no folder '{path.parent}'")
    siblings = [entry.name for entry in islice(path.parent.iterdir(), 10_000)]
    close = difflib.get_close_matches(path.name, siblings, n=3)
    raise PictureError(f"no picture at '{label}'" + (f"; nearest: {', '.join(close)}" if close else ""))


def _not_a_picture(prefix: bytes, name: str) -> str:
    if not prefix:
        return f"'{name}' is empty (0 bytes)"
    what = next((kind for at, magic, kind in OTHER_KINDS if prefix[at:].startswith(magic)), "not a picture")
    return f"'{name}' is {what}; expected {READABLE}"


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
