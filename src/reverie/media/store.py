"""A picture in a file without a name: read and written in rows and windows, so that memory holds a few of them only.

The file is removed from its folder as soon as it is open; nothing is left behind, however the program ends. It is
read and written by calls, not mapped into memory: what the system caches of it is not this program's memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from reverie.errors import OutputError

ITEM = np.dtype(np.float32)


class Store:
    """``[H, W, C]`` float32 on disk; zeros until written.

    Args:
        size: height and width.
        channels: floats per pixel.
        folder: where the file is made; the system's folder for such files if absent.

    Raises:
        OutputError: here and in every method: no space, or no permission.
    """

    def __init__(self, size: tuple[int, int], channels: int = 3, folder: Path | None = None) -> None:
        self.size, self.channels = size, channels
        self._row_bytes = size[1] * channels * ITEM.itemsize
        self._lock = threading.Lock()
        try:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - open as long as the store is
            self._file.truncate(size[0] * self._row_bytes)
        except OSError as error:
            raise _failed(folder, error) from error
        self._folder = folder
        weakref.finalize(self, self._file.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the space back."""
        self._file.close()

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Return rows as ``[bottom - top, W, C]``."""
        out = np.empty((bottom - top, self.size[1], self.channels), ITEM)
        self._read(out, top * self._row_bytes)
        return out

    def put_rows(self, top: int, rows: np.ndarray) -> None:
        """Write ``[n, W, C]`` from row `top` on."""
        self._write(np.ascontiguousarray(rows, ITEM), top * self._row_bytes)

    def window(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Return ``[height, width, C]`` of the picture that repeats in both directions."""
        out = np.empty((height, width, self.channels), ITEM)
        for row in range(height):
            y = (top + row) % self.size[0]
            for x, start, length in self._spans(left, width):
                self._read(out[row, start : start + length], self._place(y, x))
        return out

    def put_window(self, top: int, left: int, values: np.ndarray) -> None:
        """Write ``[h, w, C]`` where `window` would read it."""
        values = np.ascontiguousarray(values, ITEM)
        for row in range(values.shape[0]):
            y = (top + row) % self.size[0]
            for x, start, length in self._spans(left, values.shape[1]):
                self._write(values[row, start : start + length], self._place(y, x))

    def _spans(self, left: int, width: int) -> list[tuple[int, int, int]]:
        """Cut a row of a window where it wraps: (column in the picture, column in the window, length)."""
        spans, start = [], 0
        while start < width:
            x = (left + start) % self.size[1]
            length = min(width - start, self.size[1] - x)
            spans.append((x, start, length))
            start += length
        return spans

    def _place(self, y: int, x: int) -> int:
        return y * self._row_bytes + x * self.channels * ITEM.itemsize

    def _read(self, out: np.ndarray, offset: int) -> None:
        view = out.view(np.uint8).reshape(-1).data
        try:
            with self._lock:  # one position in the file for all threads
                self._file.seek(offset)
                done = 0
                while done < len(view):
                    count = self._file.readinto(view[done:])
                    if not count:
                        raise OSError("the file ends too early")
                    done += count
        except OSError as error:
            raise _failed(self._folder, error) from error

    def _write(self, values: np.ndarray, offset: int) -> None:
        view = values.view(np.uint8).reshape(-1).data
        try:
            with self._lock:
                self._file.seek(offset)
                done = 0
                while done < len(view):
                    done += self._file.write(view[done:])
        except OSError as error:
            raise _failed(self._folder, error) from error


def free_bytes(folder: Path | None) -> int:
    """Return the space left where stores would be made."""
    return shutil.disk_usage(folder or tempfile.gettempdir()).free


def _failed(folder: Path | None, error: OSError) -> OutputError:
    place = folder or tempfile.gettempdir()
    return OutputError(f"cannot keep parts of the picture in '{os.fspath(place)}': {error.strerror or error}")
