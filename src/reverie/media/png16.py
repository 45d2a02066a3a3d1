"""Write PNG of 16 bits per sample, which Pillow does for grey only.

Source: PNG specification (W3C, third edition), sections 5.3 (chunks), 9.2 (filters) and 11.3.3.4 (iTXt).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_TYPE = {3: 2, 4: 6}
PAETH = b"\x04"


def encode_png16(samples: np.ndarray, texts: Mapping[str, str], level: int = 6) -> bytes:
    """Return ``[H, W, 3 or 4]`` uint16 as the bytes of a PNG; `texts` (keyword → text) become iTXt chunks."""
    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, COLOR_TYPE[channels], 0, 0, 0)
    chunks = [_chunk(b"IHDR", header)]
    for keyword, text in texts.items():
        # Keyword, uncompressed, no language, no translated keyword.
        chunks.append(_chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8")))
    chunks += [_chunk(b"IDAT", _compressed(samples, level)), _chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _compressed(samples: np.ndarray, level: int) -> bytes:
    """Filter every row with Paeth's predictor, the best single choice for photographs, and deflate."""
    height, width, channels = samples.shape
    rows = np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(height, width * channels * 2)
    compressor = zlib.compressobj(level)
    above = np.zeros(rows.shape[1], np.int16)
    pieces = []
    for row in rows:
        values = row.astype(np.int16)
        difference = values - _paeth(values, above, channels * 2)
        pieces.append(compressor.compress(PAETH + (difference & 255).astype(np.uint8).tobytes()))
        above = values
    pieces.append(compressor.flush())
    return b"".join(pieces)


def _paeth(row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """Return for every byte whichever of left, above and upper left is nearest to left + above - upper left."""
    left, corner = np.zeros_like(row), np.zeros_like(row)
    left[step:], corner[step:] = row[:-step], above[:-step]
    estimate = left + above - corner
    by_left, by_above, by_corner = np.abs(estimate - left), np.abs(estimate - above), np.abs(estimate - corner)
    best = np.where(by_above <= by_corner, above, corner)
    return np.where((by_left <= by_above) & (by_left <= by_corner), left, best)
