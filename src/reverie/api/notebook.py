"""Results as notebooks show them."""

from __future__ import annotations

import io

import numpy as np

from reverie.media.image import to_uint8

MOST_PX = 1600  # longer side of what a notebook shows; the result itself keeps its size


def png_of(rgb: np.ndarray) -> bytes:
    """Return a PNG of ``[H, W, 3]`` float32 in [0, 1], at most `MOST_PX` wide and high."""
    from PIL import Image

    image = Image.fromarray(to_uint8(np.ascontiguousarray(rgb)))
    image.thumbnail((MOST_PX, MOST_PX))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
