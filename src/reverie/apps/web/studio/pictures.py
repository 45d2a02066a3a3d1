"""Small pictures of inputs and results for the page, kept beside the queue; and results without their job."""

from __future__ import annotations

import asyncio
import os
import tempfile
import zipfile
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from reverie.errors import InputError
from reverie.jobs.job import SHA256
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.trail import write_whole
from reverie.media.suffixes import PICTURES, VIDEOS

SIZES = (256, 512, 1600)
QUALITY = 86
AT_ONCE = 2  # pictures that are decoded at the same time: they are large


class Thumbs:
    """Small pictures by content and size, each made once.

    Args:
        home: where they are kept.
        max_pixels: of what is decoded.
    """

    def __init__(self, home: Home, max_pixels: int) -> None:
        self.home, self.max_pixels = home, max_pixels
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def get(self, path: Path, digest: str, size: int) -> Path:
        """Return the place of a JPEG.

        Raises:
            InputError: of this kind of file there is no picture.
        """
        size = fitting(size)
        place = self._place(digest, size)
        if not place.exists():
            async with self._turn:
                if not place.exists():
                    blob = await run_in_threadpool(small_jpeg, path, size, self.max_pixels)
                    write_whole(place, blob)
        return place

    def kept(self, digest: str, size: int) -> Path | None:
        """Return the place of a JPEG that was made earlier."""
        place = self._place(digest, fitting(size)) if SHA256.fullmatch(digest) else None
        return place if place is not None and place.exists() else None

    def _place(self, digest: str, size: int) -> Path:
        return self.home.thumbs / f"{digest}-{size}.jpg"


def fitting(size: int) -> int:
    """Return the size that is kept for one that was asked for."""
    return next((known for known in SIZES if known >= size), SIZES[-1])


def small_jpeg(path: Path, size: int, max_pixels: int) -> bytes:
    """Return a picture, or the first frame of a film, as JPEG.

    Raises:
        InputError: it shows nothing.
    """
    from reverie.media.write import encode_picture

    suffix = path.suffix.lower()
    if path.is_dir():
        inside = next((p for p in sorted(path.rglob("*")) if p.suffix.lower() in PICTURES), None)
        if inside is None:
            raise InputError("the folder holds no picture")
        return small_jpeg(inside, size, max_pixels)
    if suffix in PICTURES:
        from reverie.media.image import read_small

        return encode_picture("small.jpg", read_small(path, size, max_pixels=4 * max_pixels), quality=QUALITY)
    if suffix in VIDEOS:
        return encode_picture("small.jpg", _first_frame(path, size), quality=QUALITY)
    raise InputError("this is no picture")


def _first_frame(path: Path, size: int):
    import numpy as np
    from PIL import Image

    from reverie.media.footage import footage_frames, open_footage

    frames = footage_frames(open_footage(path))
    try:
        frame = next(iter(frames))
    except StopIteration as end:
        raise InputError("the film has no frames") from end
    image = Image.fromarray(frame[..., :3])
    image.thumbnail((size, size))
    return np.asarray(image)


def without_job(path: Path) -> bytes:
    """Return a picture's file without the job and anything else that is not the picture; its pixels stay as they are.

    Raises:
        InputError: a format that would lose something.
    """
    suffix = path.suffix.lower()
    if suffix == ".png":
        return _png_pixels(path.read_bytes())
    if suffix in (".jpg", ".jpeg"):
        return _jpeg_pixels(path.read_bytes())
    if suffix in (".tif", ".tiff", ".webp", ".avif"):
        from reverie.media.image import read_picture
        from reverie.media.write import encode_picture

        picture = read_picture(path)
        return encode_picture(path.name, picture.rgb, alpha=picture.alpha, bits=picture.bits, quality=95)
    raise InputError(f"{suffix} is given with its job only")


KEPT_CHUNKS = (
    b"IHDR",
    b"PLTE",
    b"tRNS",
    b"IDAT",
    b"IEND",
    b"iCCP",
    b"sRGB",
    b"gAMA",
    b"cHRM",
    b"pHYs",
    b"sBIT",
    b"cICP",
)


def _png_pixels(blob: bytes) -> bytes:
    """Return a PNG with the chunks of its pixels only. Source: PNG specification, third edition, section 5.3."""
    kept, at = [blob[:8]], 8
    while at + 12 <= len(blob):
        length = int.from_bytes(blob[at : at + 4], "big")
        end = at + 12 + length
        if blob[at + 4 : at + 8] in KEPT_CHUNKS:
            kept.append(blob[at:end])
        at = end
    return b"".join(kept)


TOLD_SEGMENTS = (0xE1, 0xED, 0xFE)  # Exif and XMP, Photoshop's block, comments
SCAN = 0xDA


def _jpeg_pixels(blob: bytes) -> bytes:
    """Return a JPEG without the segments that tell of it. Source: ITU-T T.81, annex B.1.1."""
    kept, at = [blob[:2]], 2
    while at + 4 <= len(blob) and blob[at] == 0xFF and blob[at + 1] != SCAN:
        end = at + 2 + int.from_bytes(blob[at + 2 : at + 4], "big")
        if blob[at + 1] not in TOLD_SEGMENTS:
            kept.append(blob[at:end])
        at = end
    return b"".join([*kept, blob[at:]])


def zipped(folder: Path, beside: Path) -> Path:
    """Write a folder as a zip archive and return its place, which the caller removes."""
    handle, name = tempfile.mkstemp(suffix=".zip", dir=beside)
    with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent).as_posix())
    return Path(name)
