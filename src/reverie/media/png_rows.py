"""Whether a PNG holds all the rows that it promises: Pillow leaves those that are missing black, without a word."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

from reverie.errors import PictureError

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first row, first column, steps of both.
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
PIECE = 1 << 16


def check_rows(image: Image.Image, file: BinaryIO, name: str) -> None:
    """Refuse a decoded PNG whose data end before its last row; only what ends in black is counted.

    Raises:
        PictureError: says how many rows there are.
    """
    if image.format != "PNG":
        return
    last = np.asarray(image.crop((0, max(0, image.height - 2), image.width, image.height)))
    if last[-1].any() and not image.info.get("interlace"):
        return
    file.seek(0)
    head = file.read(33)
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", head[16:29])
    pixel = bits * CHANNELS.get(kind, 1)
    wanted = _interlaced_bytes(width, height, pixel) if interlaced else height * (1 + (width * pixel + 7) // 8)
    found = _inflated_bytes(file, wanted)
    if found < wanted:
        rows = f"{found * height // wanted} of {height} rows are there"
        raise PictureError(f"'{name}' is cut short: {rows}; get a fresh copy")


def _interlaced_bytes(width: int, height: int, pixel: int) -> int:
    total = 0
    for top, left, down, right in PASSES:
        rows, columns = -(-(height - top) // down), -(-(width - left) // right)
        total += rows * (1 + (columns * pixel + 7) // 8) if rows > 0 and columns > 0 else 0
    return total


def _inflated_bytes(file: BinaryIO, most: int) -> int:
    """Return how many bytes the data inflate to, counted up to `most` in constant memory."""
    machine, count = zlib.decompressobj(), 0
    try:
        for data in _data(file):
            piece = data
            while piece and count < most:
                count += len(machine.decompress(piece, PIECE))
                piece = machine.unconsumed_tail
            if count >= most or machine.eof:
                break
    except zlib.error:
        return count
    return count


def _data(file: BinaryIO) -> Iterator[bytes]:
    """Yield the contents of the IDAT chunks, in pieces."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind != b"IDAT":
            file.seek(size + 4, 1)
            continue
        while size > 0 and (piece := file.read(min(size, PIECE))):
            size -= len(piece)
            yield piece
        file.seek(4, 1)
