"""Carry a run to its end: tell who watches, keep what there is on a stop, write the results."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reverie.errors import InputError, OutputError, printable
from reverie.jobs.run import Run
from reverie.jobs.values import has_field, seed_of
from reverie.jobs.watch import End, Watch
from reverie.jobs.work import Progress
from reverie.weights.file_names import fitted

SHOWN_S = 0.05  # less is nothing that anybody waited for
LONG_S = 2.0  # of writing, after which somebody who stopped a work wonders
STOPPING = "stopping: writing what there is; another Ctrl-C gives it up"


@dataclass(frozen=True)
class Ended:
    """How a run ended: what was written, the main result first, and for whom to say it."""

    end: End
    paths: tuple[Path, ...]
    text: str


def execute(run: Run, target: Path | None, watch: Watch, *, quality: int = 92, kept: Path | None = None) -> Ended:
    """Run to the end and write the results; a stop, and Ctrl-C, keep what there is under another name.

    Args:
        run: what runs.
        target: of the main result; None leaves it to the caller.
        watch: who looks on.
        quality: of lossy pictures.
        kept: where a stopped result goes, as one that is made again; NAME-stopped beside the target if absent, and
            after Ctrl-C.

    Raises:
        InputError, OutputError: it cannot be written.
    """
    watch.begin(run)
    told: list[str] = []
    clock = Clock()
    try:
        _tell(run, watch, told)
        for progress in run:
            fraction = run.fraction
            watch.show(progress, fraction, clock.left_s(progress, fraction))
            _tell(run, watch, told)
    except KeyboardInterrupt:
        if not (run.tool.live and run.last is not None):
            ended = _kept(run, target, quality, None, "interrupted", watch)
            _tell(run, watch, told)
            watch.end("interrupted", ended.text)
            return ended
    if run.stopped and not run.tool.live:
        ended = _kept(run, target, quality, kept, "stopped", watch)
        _tell(run, watch, told)
        watch.end("stopped", ended.text)
        return ended
    paths = () if target is None else run.save(target, quality=quality)
    _tell(run, watch, told)
    text = summary(run)
    watch.end("done", text)
    return Ended("done", paths, text)


class Clock:
    """Tells how long a run has to go; one that goes on where an earlier one stopped counts from there."""

    def __init__(self) -> None:
        self._at, self._from = time.monotonic(), 0.0
        self._seen = False

    def left_s(self, progress: Progress, fraction: float | None) -> float | None:
        """Return the seconds to go after a step; None where nobody knows."""
        now = time.monotonic()
        if not self._seen and fraction is not None and progress.done > 1:
            self._at, self._from = now, fraction
        self._seen = True
        if fraction is None or fraction <= self._from:
            return None
        return (now - self._at) * (1 - fraction) / (fraction - self._from)


def summary(run: Run) -> str:
    """Return what was done in one line: size, steps, seconds, seed, network."""
    last, chosen = run.last, run.work.chosen
    parts = [run.work.plan.summary] if run.work.plan.summary else []
    if last is not None:
        unit = last.unit.removesuffix("s") if last.done == 1 else last.unit
        parts.append(f"{last.done} {unit}" + (f" in {run.seconds:.1f} s" if run.seconds >= SHOWN_S else ""))
    if has_field(run.config, "seed"):
        parts.append(f"seed {seed_of(run.config)}")
    if chosen.about or chosen.model is not None:
        parts.append(chosen.about or f"{chosen.model.name} on {chosen.device}")  # type: ignore[union-attr]
    return ", ".join(parts)


def kept_path(target: Path) -> Path:
    """Return the name under which a stopped result is kept; one that is still free."""
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        candidate = target.with_name(fitted(target.stem, f"-stopped{extra}{target.suffix}"))
        if not candidate.exists():
            return candidate
        number += 1


def _tell(run: Run, watch: Watch, told: list[str]) -> None:
    for note in run.said:
        if note not in told:
            told.append(note)
            watch.say(printable(note))


@contextmanager
def _said_if_long(watch: Watch) -> Iterator[None]:
    """Tell who has asked for a stop what is waited for, where it takes long, as with pictures of gigabytes."""
    timer = threading.Timer(LONG_S, watch.say, [STOPPING])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _kept(
    run: Run, target: Path | None, quality: int, kept: Path | None, end: End, watch: Watch
) -> Ended:  # fmt: skip
    """Write the unfinished result at once, if there was a step."""
    if run.last is None or target is None or not run.last.done:
        unit = "step" if run.last is None else run.last.unit.removesuffix("s")
        return Ended(end, (), f"before the first {unit}; nothing was written" if target else "; nothing was written")
    place = kept or kept_path(target)
    total = f" of {run.last.total}" if run.last.total else ""
    where = f"at {run.last.unit.removesuffix('s')} {run.last.done}{total}"
    try:
        with _said_if_long(watch):
            paths = run.save(place, quality=quality, unfinished=True)
    except (InputError, OutputError) as error:
        return Ended(end, (), f"{where}; what there was cannot be written: {error}")
    on = "" if run.scratch is None or not run.scratch.exists() else "; the same command goes on from there"
    if not paths:
        return Ended(end, (), f"{where}; there is nothing to show yet{on}")
    return Ended(end, paths, f"{where}; the unfinished result is '{place}'{on}")
