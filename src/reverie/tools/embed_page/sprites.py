"""Thumbnails on few large pictures, so that a page of many thousand pictures loads a handful of files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SHEET_PX = 2048  # of a side: within what every phone can decode
COARSE_PX = 16  # one block of a JPEG with halved color, so that neighbors do not bleed into each other
QUALITY = 84
CURVE_BITS = 10


def along_curve(places: Tensor) -> Tensor:
    """Return the order ``[N]`` of places along a Z-curve, so that what is near on the map is near on the sheets."""
    low, high = places.amin(0), places.amax(0)
    cells = ((places - low) / (high - low).clamp_min(1e-12) * (2**CURVE_BITS - 1)).long()
    code = torch.zeros(len(places), dtype=torch.long)
    for bit in range(CURVE_BITS):
        code |= (cells[:, 0] >> bit & 1) << (2 * bit) | (cells[:, 1] >> bit & 1) << (2 * bit + 1)
    return code.argsort(stable=True)


def sheets_of(thumbs: Sequence[np.ndarray], side_px: int) -> Iterator[np.ndarray]:
    """Yield sheets ``[H, W, 3]`` uint8 of squares, row by row, as many on each as fit into `SHEET_PX`."""
    columns = SHEET_PX // side_px
    for first in range(0, len(thumbs), columns * columns):
        part = thumbs[first : first + columns * columns]
        rows = -(-len(part) // columns)
        width = columns if rows > 1 else len(part)
        sheet = np.zeros((rows * side_px, width * side_px, 3), np.uint8)
        for i, thumb in enumerate(part):
            top, left = i // columns * side_px, i % columns * side_px
            sheet[top : top + side_px, left : left + side_px] = thumb
        yield sheet


def jpeg(sheet: np.ndarray) -> bytes:
    """Return the bytes of a sheet."""
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "JPEG", quality=QUALITY, subsampling=2, optimize=True)
    return stream.getvalue()


def shrunk(thumbs: Sequence[np.ndarray], side_px: int) -> np.ndarray:
    """Return ``[N, side_px, side_px, 3]`` uint8 of smaller thumbnails; means of areas."""
    small = [np.asarray(Image.fromarray(t).resize((side_px, side_px), Image.Resampling.BOX)) for t in thumbs]
    return np.stack(small)
