"""Pictures of a data set that have several frames: only the first is learned from, and one line says so.

Told by the first bytes of a file, so that a hundred thousand pictures are looked through in seconds; none is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import PurePosixPath

from reverie.data.folder import Archive
from reverie.errors import PictureError
from reverie.media.source import open_picture, pixel_limit
from reverie.media.suffixes import MAY_MOVE

START_BYTES = 4096  # of a file: all that stands before the pixels, but for a long color profile
NAMED = 3  # files in the note
BREAKS_OFF = (OSError, EOFError, SyntaxError, ValueError, IndexError, struct.error)  # Pillow's words for damage


def first_frames_note(archive: Archive, names: Sequence[str]) -> tuple[str, ...]:
    """Return one line on the pictures of which only the first frame is used; none where there are none such."""
    found = [name for name in names if PurePosixPath(name).suffix.lower() in MAY_MOVE and _moves(archive, name)]
    if not found:
        return ()
    few = ", ".join(f"'{name}'" for name in found[:NAMED]) + (" ..." if len(found) > NAMED else "")
    return (f"only the first frame is used of {len(found)} of {len(names)} pictures: {few}",)


def _moves(archive: Archive, name: str) -> bool:
    """Tell whether a file has several frames; False for what cannot be read, whose reader says why.

    Source: GIF89a; PNG 3rd edition 11.3.4 (acTL); WebP container, VP8X flags; AVIF 1.1, brand avis.
    """
    try:
        start = archive.start(name, START_BYTES)
        if start.startswith(b"GIF8"):
            return bool(getattr(open_picture(archive.open(name), name, pixel_limit()), "is_animated", False))
    except (PictureError, *BREAKS_OFF):
        return False
    if start.startswith(b"\x89PNG"):
        return b"acTL" in start
    if start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8X":
        return bool(start[20] & 2) if len(start) > 20 else False
    return start[4:8] == b"ftyp" and b"avis" in start[8:64]
