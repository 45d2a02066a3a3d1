"""Write PNG strip by strip, of 8 or 16 bits per sample: Pillow has no color of 16 bits, and needs all of a picture.

Source: PNG specification (W3C, third edition), sections 5.3 (chunks), 9.2 (filters) and 11.3.3.4 (iTXt).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import BinaryIO

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_TYPE = {3: 2, 4: 6}
PAETH = 4
CHUNK_BYTES = 1 << 20
ROWS_AT_ONCE = 32


def encode_png16(samples: np.ndarray, texts: Mapping[str, str], level: int = 6) -> bytes:
    """Return ``[H, W, 3 or 4]`` uint16 as the bytes of a PNG; `texts` (keyword → text) become iTXt chunks."""
    out = io.BytesIO()
    write_png(out, (samples,), samples.shape[:2], samples.shape[2], 16, texts, level)
    return out.getvalue()


def write_png(
    file: BinaryIO, strips: Iterable[np.ndarray], size: tuple[int, ...], channels: int, bits: int,
    texts: Mapping[str, str], level: int = 6,
) -> None:  # fmt: skip
    """Write strips ``[n, W, 3 or 4]`` of uint8 or uint16 (by `bits`) that make up a picture of `size` (H, W)."""
    file.write(SIGNATURE)
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], bits, COLOR_TYPE[channels], 0, 0, 0))
    for keyword, text in texts.items():
        # Keyword, uncompressed, no language, no translated keyword.
        _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8"))
    compressor, ready = zlib.compressobj(level), bytearray()
    with ThreadPoolExecutor(1) as pool:  # one piece is compressed while the next one is made: zlib lets others run
        pending: Future[bytes] | None = None
        for filtered in chain(_pieces(strips, size[1] * channels * bits // 8, channels * bits // 8), (None,)):
            ready += b"" if pending is None else pending.result()
            pending = None if filtered is None else pool.submit(compressor.compress, filtered)
            if len(ready) >= CHUNK_BYTES:
                _chunk(file, b"IDAT", bytes(ready))
                ready.clear()
    _chunk(file, b"IDAT", bytes(ready) + compressor.flush())
    _chunk(file, b"IEND", b"")


def _pieces(strips: Iterable[np.ndarray], row_bytes: int, step: int) -> Iterator[bytes]:
    """Yield the filtered bytes of a few rows after the other."""
    above = np.zeros(row_bytes, np.int16)
    for strip in strips:
        for top in range(0, len(strip), ROWS_AT_ONCE):
            rows = _bytes_of(strip[top : top + ROWS_AT_ONCE])
            yield _filtered(rows, above, step)
            above = rows[-1]


def _chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))


def _bytes_of(samples: np.ndarray) -> np.ndarray:
    """Return rows of bytes, the high one of each sample first, as int16 to calculate with."""
    ordered = samples.astype(">u2") if samples.dtype.itemsize == 2 else samples
    return np.ascontiguousarray(ordered).view(np.uint8).reshape(len(samples), -1).astype(np.int16)


def _filtered(rows: np.ndarray, above: np.ndarray, step: int) -> bytes:
    """Filter rows with Paeth's predictor, the best single choice for photographs."""
    upper = np.concatenate([above[None], rows[:-1]])
    out = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    out[:, 0] = PAETH
    out[:, 1:] = (rows - _paeth(rows, upper, step)) & 255
    return out.tobytes()


def _paeth(rows: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """Return for every byte whichever of left, above and upper left is nearest to left + above - upper left."""
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, step:], corner[:, step:] = rows[:, :-step], above[:, :-step]
    estimate = left + above - corner
    by_left, by_above, by_corner = np.abs(estimate - left), np.abs(estimate - above), np.abs(estimate - corner)
    best = np.where(by_above <= by_corner, above, corner)
    return np.where((by_left <= by_above) & (by_left <= by_corner), left, best)
