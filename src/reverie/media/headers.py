"""What the first bytes of a picture say and Pillow does not pass on: bits of a sample, colors by code points.

Nothing is decoded; whatever does not look as it should counts as not said.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

LOOKED_AT = 1 << 18  # bytes in which boxes and chunks before the pixels are looked for
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xDA)))


@dataclass(frozen=True)
class JpegFrame:
    """The frame of a JPEG: `lossless` is the old lossless process, not JPEG-LS."""

    bits: int
    height: int
    width: int
    channels: int
    lossless: bool


def jpeg_frame(data: bytes) -> JpegFrame | None:
    """Return what a JPEG says of its first frame. Source: ITU-T T.81, B.2.2."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in START_OF_FRAME and at + 10 <= len(data):
            bits, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
            return JpegFrame(bits, height, width, channels, marker in LOSSLESS)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def jpeg2000_bits(data: bytes) -> tuple[int, tuple[int, int]] | None:
    """Return the bits of the deepest component and (width, height). Source: ITU-T T.800, A.5.1."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0 or at + 44 > len(data):
        return None
    width, height, left, top = struct.unpack_from(">4I", data, at + 8)
    (count,) = struct.unpack_from(">H", data, at + 40)
    kinds = data[at + 42 : at + 42 + 3 * min(count, 64) : 3]
    return max(((kind & 127) + 1 for kind in kinds), default=8), (width - left, height - top)


def avif_bits(data: bytes) -> int:
    """Return the bits of a sample of an AVIF. Source: AV1 in ISOBMFF, section 2.3.3."""
    at = data.find(b"av1C", 0, LOOKED_AT)
    if at < 0 or at + 7 > len(data):
        return 8
    flags = data[at + 6]
    return 12 if flags & 0x60 == 0x60 else 10 if flags & 0x40 else 8


def code_points(data: bytes) -> tuple[int, int] | None:
    """Return primaries and transfer of the colors of a PNG (cICP) or an ISO file (nclx), if it names them."""
    if data[:4] == b"\x89PNG":
        body = next((body for name, body in _chunks(data) if name == b"cICP"), b"")
        return (body[0], body[1]) if len(body) == 4 and body[2] == 0 else None
    at = data.find(b"colrnclx", 0, LOOKED_AT) if data[4:8] == b"ftyp" else -1
    if at < 0 or at + 12 > len(data):
        return None
    primaries, transfer = struct.unpack_from(">2H", data, at + 8)
    return primaries, transfer


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG that stand before its pixels."""
    at = 8
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name in (b"IDAT", b"IEND"):
            return
        yield name, data[at + 8 : at + 8 + min(size, 64)]
        at += 12 + size
