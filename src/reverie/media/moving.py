"""Whether a file moves, told by its content: a few bytes, and the header where a still format may hold frames."""

from __future__ import annotations

import struct
from pathlib import Path

from reverie.errors import PictureError
from reverie.media.source import open_picture, pixel_limit

ANIMATED_FORMATS = ("GIF", "WEBP", "PNG", "AVIF")
BREAKS_OFF = (OSError, SyntaxError, ValueError, IndexError, struct.error)  # Pillow's words for a file that is cut
VIDEO_STARTS = (
    b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\0\0\1\xba", b"YUV4MPEG2", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
)  # fmt: skip
STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"crx ")  # of ISO files


def is_video(path: Path | str) -> bool:
    """Return whether a file begins like a video, whatever its name; False for anything else or unreadable."""
    start = _start(Path(path))
    if start.startswith(VIDEO_STARTS) or (start[:4] == b"RIFF" and start[8:12] == b"AVI "):
        return True
    return start[4:8] == b"ftyp" and start[8:12] not in STILL_BRANDS


def may_be_animation(path: Path | str) -> bool:
    """Return whether a file begins like a GIF, WebP, PNG or AVIF; False for anything else or unreadable."""
    start = _start(Path(path))
    if start.startswith((b"GIF8", b"\x89PNG")) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP"):
        return True
    return start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"avis")


def is_animated(path: Path | str) -> bool:
    """Return whether a file is a GIF, WebP, PNG or AVIF of several frames; False for anything else or unreadable.

    The content decides; no frame is decoded.
    """
    if not may_be_animation(path):
        return False
    try:
        with Path(path).open("rb") as file:
            image = open_picture(file, Path(path).name, pixel_limit())
            return image.format in ANIMATED_FORMATS and bool(getattr(image, "is_animated", False))
    except (EOFError, PictureError, *BREAKS_OFF):
        return False


def _start(path: Path) -> bytes:
    """Return the first bytes of a plain file; none of anything else, such as a pipe that would be waited for."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(16)
    except (OSError, ValueError):
        return b""
