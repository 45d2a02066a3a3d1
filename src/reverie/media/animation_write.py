"""Write GIF and animated WebP frame by frame: whole or not at all, constant memory, exact durations.

Pillow encodes each frame; the containers around the frames are written here, because Pillow keeps all frames of an
animation in memory and libwebp reorders their durations.
Source: GIF89a specification (CompuServe 1990); WebP container, RFC 9649 section 2.7.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

import numpy as np
from PIL import GifImagePlugin, Image

from reverie.errors import InputError, OutputError
from reverie.media.metadata import ascii_only, enclosed, exif_block, settings_text
from reverie.media.suffixes import ANIMATIONS_WRITTEN
from reverie.media.write import check_place
from reverie.weights.atomic import Unfinished

OPAQUE_FROM = 128  # GIF knows no half transparency
WHOLE_GIF, WHOLE_WEBP = 65_535, 16_383  # longest side in pixels
REPLACE, KEEP = 2, 1  # what GIF does with a frame before the next: clear it, leave it


class Format(Protocol):
    """One container: what stands before the frames, each frame, and what stands after."""

    largest: int

    def head(self) -> bytes: ...
    def frame(self, image: Image.Image, duration_ms: int) -> bytes: ...
    def tail(self) -> bytes: ...
    def finish(self, file: BinaryIO) -> None: ...


class AnimationWriter:
    """A GIF or WebP that appears under its name when the context ends without an error, and not before.

    Args:
        path: ends in .gif or .webp.
        size: (height, width) of the frames.
        plays: how often it runs, 0 for ever.
        settings: what made it, kept inside.
        quality: of WebP, 1 to 100.
        transparent: whether frames will have four channels.

    Raises:
        InputError: suffix, size or settings that cannot be used.
        OutputError: the file cannot be written.
    """

    def __init__(
        self, path: Path | str, size: tuple[int, int], *, plays: int = 0, settings: Mapping[str, Any] | None = None,
        quality: int = 90, transparent: bool = False,
    ) -> None:  # fmt: skip
        self.path, self.size, self.count = Path(path), size, 0
        text = None if settings is None else settings_text(settings)
        suffix = self.path.suffix.lower()
        if suffix not in ANIMATIONS_WRITTEN:
            raise InputError(f"cannot write '{path}': known for animations: {', '.join(ANIMATIONS_WRITTEN)}")
        gif = suffix == ".gif"
        self._format: Format = _Gif(size, plays, text) if gif else _Webp(size, plays, text, quality, transparent)
        if not 1 <= max(size) <= self._format.largest or min(size) < 1:
            raise InputError(f"{suffix} holds at most {self._format.largest} px a side; got {size[1]} x {size[0]}")
        check_place(self.path)
        self._unfinished = Unfinished(self.path)
        try:
            self._file = self._unfinished.part.open("w+b")
            self._file.write(self._format.head())
        except OSError as error:
            raise OutputError(f"cannot write '{path}': {error.strerror or error}") from error

    def write(self, frame: np.ndarray, duration_ms: int) -> None:
        """Append one frame, ``[H, W, 3]`` or ``[H, W, 4]`` uint8 sRGB, shown for `duration_ms`.

        Raises:
            InputError: another shape or type.
            OutputError: the disk fails.
        """
        if frame.shape[:2] != self.size or frame.ndim != 3 or frame.shape[2] not in (3, 4) or frame.dtype != np.uint8:
            raise InputError(
                f"frame {self.count} has shape {list(frame.shape)} and type {frame.dtype}; "
                f"expected {[*self.size, 3]} and uint8"
            )
        try:
            self._file.write(self._format.frame(Image.fromarray(frame), max(0, duration_ms)))
        except OSError as error:
            self.discard()
            raise OutputError(f"cannot write '{self.path}': {error.strerror or error}") from error
        self.count += 1

    def close(self) -> None:
        """Finish the file and give it its name; `with` does it.

        Raises:
            InputError: no frame was written.
            OutputError: the disk fails.
        """
        if self.count == 0:
            self.discard()
            raise InputError(f"cannot write '{self.path}': it has no frames")
        try:
            self._file.write(self._format.tail())
            self._format.finish(self._file)
            self._file.close()
            self._unfinished.keep()
        except OSError as error:
            self.discard()
            raise OutputError(f"cannot write '{self.path}': {error.strerror or error}") from error

    def discard(self) -> None:
        """Close and leave nothing behind."""
        self._file.close()
        self._unfinished.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


class _Gif:
    """GIF89a; every frame has its own palette and replaces the one before."""

    largest = WHOLE_GIF

    def __init__(self, size: tuple[int, int], plays: int, text: str | None) -> None:
        self.size, self.plays, self.text = size, plays, text

    def head(self) -> bytes:
        blob = b"GIF89a" + struct.pack("<HHBBB", self.size[1], self.size[0], 0x70, 0, 0)
        if self.plays != 1:
            blob += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", max(0, min(self.plays - 1, 65_535)), 0)
        if self.text is not None:
            note = enclosed(ascii_only(self.text)).encode("ascii")
            parts = (note[i : i + 255] for i in range(0, len(note), 255))
            blob += b"\x21\xfe" + b"".join(bytes([len(p)]) + p for p in parts) + b"\0"
        return blob

    def frame(self, image: Image.Image, duration_ms: int) -> bytes:
        options: dict[str, Any] = {"include_color_table": True, "disposal": KEEP}
        alpha = None
        if image.mode == "RGBA":
            alpha = np.asarray(image.getchannel("A")) >= OPAQUE_FROM
            image = image.convert("RGB")
        palette = image.quantize(255, method=Image.Quantize.MEDIANCUT)
        indexed = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        if alpha is not None and not alpha.all():
            colors = (palette.getpalette() or [])[: 3 * 255]
            indexed = Image.fromarray(np.where(alpha, np.asarray(indexed), 255).astype(np.uint8), "P")
            indexed.putpalette(colors + [0] * (768 - len(colors)))
            options |= {"transparency": 255}
        if alpha is not None:
            options["disposal"] = REPLACE
        options["duration"] = 10 * round(min(duration_ms, 655_350) / 10)
        return b"".join(GifImagePlugin.getdata(indexed, **options))

    def tail(self) -> bytes:
        return b";"

    def finish(self, file: BinaryIO) -> None:
        return


class _Webp:
    """RIFF with one ANMF chunk per frame; frames replace one another, nothing is blended."""

    largest = WHOLE_WEBP

    def __init__(self, size: tuple[int, int], plays: int, text: str | None, quality: int, transparent: bool) -> None:
        self.size, self.plays, self.quality, self.transparent = size, plays, quality, transparent
        self.exif = exif_block(text).removeprefix(b"Exif\0\0")

    def head(self) -> bytes:
        flags = 0x02 | 0x08 | (0x10 if self.transparent else 0)
        whole = bytes([flags, 0, 0, 0]) + _three(self.size[1] - 1) + _three(self.size[0] - 1)
        loop = struct.pack("<IH", 0, min(self.plays, 65_535))
        return b"RIFF\0\0\0\0WEBP" + _chunk(b"VP8X", whole) + _chunk(b"ANIM", loop)

    def frame(self, image: Image.Image, duration_ms: int) -> bytes:
        out = io.BytesIO()
        image.save(out, "WEBP", quality=self.quality, method=4, exact=True)
        place = _three(0) + _three(0) + _three(self.size[1] - 1) + _three(self.size[0] - 1)
        return _chunk(b"ANMF", place + _three(min(duration_ms, 2**24 - 1)) + b"\x02" + _pixels(out.getvalue()))

    def tail(self) -> bytes:
        return _chunk(b"EXIF", self.exif)

    def finish(self, file: BinaryIO) -> None:
        size = file.seek(0, os.SEEK_END) - 8
        if size >= 2**32:
            raise OSError("an animated WebP holds at most 4 GiB; write .mp4")
        file.seek(4)
        file.write(struct.pack("<I", size))


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _pixels(blob: bytes) -> bytes:
    """Return the chunks of a still WebP that hold its pixels and their transparency."""
    found, at = b"", 12
    while at + 8 <= len(blob):
        (length,) = struct.unpack_from("<I", blob, at + 4)
        end = at + 8 + length + length % 2
        if blob[at : at + 4] in (b"ALPH", b"VP8 ", b"VP8L"):
            found += blob[at:end]
        at = end
    return found
