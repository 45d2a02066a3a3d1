"""What a running job leaves for those who look on: progress, preview, curves, log; all of it files, written whole.

Nobody waits for anybody: the worker writes at its own pace, pictures only while somebody looks, and a page that is
slow reads the latest.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict

import numpy as np

if TYPE_CHECKING:
    from reverie.jobs.work import Progress

FRAMES = "frames"  # folder of the pictures that are kept
PREVIEW_PX = 1024
PREVIEW_QUALITY = 85
PROGRESS_EVERY_S = 0.2
PREVIEW_EVERY_S = 0.4
CURVES_EVERY_S = 1.0
REST = 60  # and so many times as long as the last preview took: they take at most a sixtieth of the time
LOOKED_S = 6.0  # how long a look counts
MOST_POINTS = 600  # of a curve
EMPTY: Mapping[str, Sequence[str]] = MappingProxyType({})


class Shown(TypedDict, total=False):
    """How far a job is, as its file says it."""

    done: int
    total: int | None
    unit: str
    stage: str
    scores: dict[str, float]
    fraction: float | None
    eta: float | None
    preview: int
    steerable: dict[str, list[str]]


class Trail:
    """Writes what one run shows into a folder.

    Args:
        folder: of the job.
        frames: pictures on the way that are kept; about evenly over the whole work.
    """

    def __init__(self, folder: Path, frames: int = 0) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._due, self._preview_due, self._previews = 0.0, 0.0, 0
        self._frames, self._kept, self._stride = frames, list[bytes](), 1
        self._points: list[dict[str, float]] = []
        self._every, self._count, self._curves_due = 1, 0, 0.0

    def show(
        self, progress: Progress, fraction: float | None, eta_s: float | None, *,
        steerable: Mapping[str, Sequence[str]] = EMPTY,
    ) -> None:  # fmt: skip
        """Write progress, at most a few times a second, and a preview if somebody looks."""
        now = time.monotonic()
        self._remember(progress)
        drawn = self._draw(progress, now)
        if now < self._due and not drawn:
            return
        self._due = now + PROGRESS_EVERY_S
        scores = {name: value for name, value in progress.scores.items() if np.isfinite(value)}
        about: Shown = {
            "done": progress.done, "total": progress.total, "unit": progress.unit, "stage": progress.stage,
            "scores": scores, "fraction": fraction, "eta": eta_s, "preview": self._previews,
            "steerable": {name: list(values) for name, values in steerable.items()},
        }  # fmt: skip
        write_whole(self._folder / "progress.json", json.dumps(about).encode())
        if self._points and now >= self._curves_due:
            self._curves_due = now + CURVES_EVERY_S
            write_whole(self._folder / "curves.json", json.dumps(self._points).encode())

    def say(self, line: str) -> None:
        """Add a line to the log."""
        line = without_places(line)
        with (self._folder / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')}  {line}\n")

    def finish(self) -> None:
        """Write the curves whole, and the pictures that are kept."""
        for number, blob in enumerate(self._kept):
            (self._folder / FRAMES).mkdir(exist_ok=True)
            write_whole(self._folder / FRAMES / f"{number:03d}.jpg", blob)
        write_whole(self._folder / "curves.json", json.dumps(self._points).encode())

    def clear(self) -> None:
        """Remove what only matters while it runs."""
        for name in ("progress.json", "preview.jpg", "looked", "state.safetensors"):
            (self._folder / name).unlink(missing_ok=True)

    def _remember(self, progress: Progress) -> None:
        self._count += 1
        if not progress.scores or self._count % self._every:
            return
        values = {name: round(value, 6) for name, value in progress.scores.items() if np.isfinite(value)}
        self._points.append({"step": progress.done} | values)
        if len(self._points) > MOST_POINTS:
            self._points, self._every = self._points[::2], self._every * 2

    def _keep(self, blob: bytes) -> None:
        """Keep every so-manieth preview; where there are too many, every second of them and half as often."""
        if not self._frames or self._previews % self._stride:
            return
        self._kept.append(blob)
        if len(self._kept) > self._frames:
            self._kept, self._stride = self._kept[::2], self._stride * 2

    def _draw(self, progress: Progress, now: float) -> bool:
        if progress.preview is None or now < self._preview_due or not (self._frames or looked_at(self._folder)):
            return False
        image = progress.preview()
        if image is None:
            return False
        blob = encoded(image)
        write_whole(self._folder / "preview.jpg", blob)
        self._keep(blob)
        self._previews += 1
        spent = time.monotonic() - now
        self._preview_due = now + max(PREVIEW_EVERY_S, REST * spent)
        return True


PLACES = re.compile(r"(?<![\w:/\\])(?:[A-Za-z]:)?(?:[/\\][^\s'\"/\\]+)+[/\\](?=[^\s'\"/\\])")


def without_places(text: str) -> str:
    """Return a line with bare names of files: whoever looks from elsewhere is not told where things lie."""
    return PLACES.sub("", text)


def encoded(image: np.ndarray) -> bytes:
    """Return a picture as a small JPEG."""
    from reverie.media.write import encode_picture

    step = max(1, -(-max(image.shape[:2]) // PREVIEW_PX))
    return encode_picture("preview.jpg", np.ascontiguousarray(image[::step, ::step]), quality=PREVIEW_QUALITY)


def look(folder: Path) -> None:
    """Tell the worker of a job that somebody looks."""
    with suppress(OSError):
        (folder / "looked").touch()


def looked_at(folder: Path) -> bool:
    """Tell whether somebody looked a moment ago."""
    with suppress(OSError):
        return time.time() - (folder / "looked").stat().st_mtime < LOOKED_S
    return False


def progress_of(folder: Path) -> Shown | None:
    """Return the latest progress of a job; None where there is none."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / "progress.json").read_bytes())
        return Shown(**found) if isinstance(found, dict) else None
    return None


def write_whole(path: Path, blob: bytes) -> None:
    """Write a small file that readers see whole or not at all; it need not survive a loss of power."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(blob)
    part.replace(path)
