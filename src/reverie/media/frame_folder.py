"""Frames on their way into a video: numbered lossless pictures in a folder, with what made them in a manifest.

Every file appears whole or not at all, so that after a crash the folder holds exactly the frames that were finished,
and the work goes on after the last of them. What belongs to one frame (its measurements) is inside that frame's file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reverie.errors import InputError, OutputError, PictureError
from reverie.media.image import read_picture, to_uint8
from reverie.media.metadata import read_settings
from reverie.media.write import QUICK, write_picture
from reverie.weights.atomic import write_bytes

MANIFEST = "manifest.json"
MOST_SHOWN = 60  # characters of a setting in a message


class FrameFolder:
    """Frames 0, 1, 2 ... of one job.

    Args:
        path: the folder; made by `begin`.
        bits: per sample, 8 or 16; the latter for frames that others are made from.
    """

    def __init__(self, path: Path, bits: int = 8) -> None:
        self.path, self.bits = path, bits

    def manifest(self) -> dict[str, Any] | None:
        """Return what an earlier run noted, or None if there was none.

        Raises:
            InputError: the folder exists and is not one of ours.
        """
        if not self.path.exists():
            return None
        try:
            return json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            if self.path.is_dir() and not any(self.path.iterdir()):
                return None  # killed before the manifest was there
            raise InputError(f"'{self.path}' is in the way: it holds no '{MANIFEST}'; move it away") from error
        except (OSError, ValueError) as error:
            raise InputError(f"'{self.path / MANIFEST}' cannot be read; remove '{self.path}' to start anew") from error

    def begin(self, manifest: Mapping[str, Any]) -> int:
        """Start the job, or go on with it if the manifest is the same; return how many frames are there.

        Raises:
            InputError: frames of another job are there.
            OutputError: the folder cannot be made.
        """
        known = self.manifest()
        if known is None:
            try:
                self.path.mkdir(exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make '{self.path}': {error.strerror or error}") from error
            write_bytes(self.path / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
            return 0
        if known != json.loads(json.dumps(manifest)):
            raise InputError(
                f"'{self.path}' holds {self.count()} frames made differently ({_first_difference(known, manifest)}); "
                "remove it to start anew, or give another --output"
            )
        for part in self.path.glob(".*.part"):  # of a frame that was being written when the program was killed
            part.unlink(missing_ok=True)
        return self.count()

    def count(self) -> int:
        """Return how many frames are there, without a gap."""
        number = 0
        while self._file(number).exists():
            number += 1
        return number

    def has(self, number: int) -> bool:
        """Tell whether a frame is there."""
        return self._file(number).exists()

    def write(
        self, number: int, frame: np.ndarray, record: Mapping[str, Any], strength: np.ndarray | None = None
    ) -> None:
        """Store one frame, ``[H, W, 3]`` uint8 or float in [0, 1], and its measurements.

        `strength`, ``[H, W]`` uint8, says how complete it is and becomes its alpha.

        Raises:
            OutputError: no space, no permission.
        """
        write_picture(self._file(number), frame, alpha=strength, settings=record, bits=self.bits, effort=QUICK)

    def read(self, number: int) -> np.ndarray:
        """Return a frame as ``[H, W, 3]`` uint8.

        Raises:
            PictureError: damaged.
        """
        return to_uint8(read_picture(self._file(number), keep_hidden=True).rgb)

    def read_exact(self, number: int) -> np.ndarray:
        """Return a frame as ``[H, W, 3]`` float32 in [0, 1], with all the bits it was stored with.

        Raises:
            PictureError: damaged.
        """
        return read_picture(self._file(number), keep_hidden=True).rgb

    def strength(self, number: int) -> np.ndarray:
        """Return how complete a frame is, ``[H, W]`` uint8.

        Raises:
            PictureError: damaged.
        """
        picture = read_picture(self._file(number), keep_hidden=True)
        return np.full(picture.rgb.shape[:2], 255, np.uint8) if picture.alpha is None else to_uint8(picture.alpha)

    def record(self, number: int) -> dict[str, Any]:
        """Return the measurements of a frame.

        Raises:
            PictureError: damaged.
        """
        return read_settings(self._file(number))

    def frames(self) -> Iterator[np.ndarray]:
        """Yield all frames in order."""
        for number in range(self.count()):
            yield self.read(number)

    def drop_broken_end(self) -> None:
        """Remove the last frame if it cannot be read, as after a power cut."""
        last = self.count() - 1
        if last < 0:
            return
        try:
            self.read(last)
            self.record(last)
        except PictureError:
            self._file(last).unlink()

    def beside(self, name: str, blob: bytes) -> Path:
        """Keep a file with the frames, such as their sound, and return its place."""
        write_bytes(self.path / name, blob)
        return self.path / name

    def remove(self) -> None:
        """Remove the folder and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _file(self, number: int) -> Path:
        return self.path / f"{number:06d}.png"


def _first_difference(known: Mapping[str, Any], wanted: Mapping[str, Any], name: str = "") -> str:
    """Name the first setting that differs, as 'name: then, now'."""
    for key in sorted(set(known) | set(wanted)):
        then, now = known.get(key), wanted.get(key)
        now = list(now) if isinstance(now, tuple) else now
        if then == now:
            continue
        if isinstance(then, Mapping) and isinstance(now, Mapping):
            return _first_difference(then, now, f"{name}{key} ")
        return f"{name}{key}: {_short(then)} then, {_short(now)} now"
    return "nothing"


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."
