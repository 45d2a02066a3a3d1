"""Arrays of numbers as NumPy stores them (``.npy``): pictures of any number of channels, of bytes, 16 bits or floats.

The header is read first, so that nothing is decoded that is no picture or is too large. Nothing is unpickled.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from reverie.errors import PictureError
from reverie.media.budget import format_bytes, reading_budget

SUFFIX = ".npy"
MOST_CHANNELS = 512
WHOLE = {1: 255.0, 2: 65535.0}  # bytes of an unsigned number → what counts as 1


def read_array(source: Path | BinaryIO, name: str) -> np.ndarray:
    """Return ``[H, W, C]`` float32: unsigned numbers of 8 and 16 bits in [0, 1], floats as they are.

    Raises:
        PictureError: missing, damaged, of another shape or kind of number, too large, or with what is no number.
    """
    try:
        blob = source.read_bytes() if isinstance(source, Path) else source.read()
        shape, kind = _header(io.BytesIO(blob), name)
        if 8 * math.prod(shape) > reading_budget():
            raise PictureError(f"'{name}' takes {format_bytes(8 * math.prod(shape))} of memory, more than is free")
        values = np.load(io.BytesIO(blob), allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError) as error:
        raise PictureError(f"'{name}' is no array of NumPy, or damaged") from error
    found = values.reshape(*shape[:2], -1).astype(np.float32)
    if kind.kind == "u":
        return found / np.float32(WHOLE[kind.itemsize])
    if not np.isfinite(found).all():
        raise PictureError(f"'{name}' holds values that are no numbers")
    return found


def array_size(file: BinaryIO, name: str) -> tuple[int, int]:
    """Return height and width by the header.

    Raises:
        PictureError: as `read_array`.
    """
    try:
        shape, _ = _header(file, name)
    except (ValueError, EOFError, OSError, SyntaxError) as error:
        raise PictureError(f"'{name}' is no array of NumPy, or damaged") from error
    return shape[0], shape[1]


def array_bytes(values: np.ndarray) -> bytes:
    """Return ``[H, W, C]`` float32 as a ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(values, np.float32), allow_pickle=False)
    return file.getvalue()


def _header(file: BinaryIO, name: str) -> tuple[tuple[int, ...], np.dtype]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, kind = read(file)
    known = kind.kind == "f" or (kind.kind == "u" and kind.itemsize in WHOLE)
    if not known or len(shape) not in (2, 3) or not math.prod(shape) or math.prod(shape[2:]) > MOST_CHANNELS:
        raise PictureError(
            f"'{name}' is an array {list(shape)} of {kind}; a picture is [H, W] or [H, W, C] of uint8, uint16 or floats"
        )
    return shape, kind
