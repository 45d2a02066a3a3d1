"""Workers that need no network: importable, since spawned processes look them up by name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from reverie.errors import InputError, OutputError, ReverieError
from reverie.jobs.batch import Item


@dataclass(frozen=True)
class Opener:
    """Notes its process in a folder when it opens, and hands out `work`."""

    folder: Path
    error: type[ReverieError] | None = None

    def __call__(self):
        if self.error is not None:
            raise self.error("no such network")
        (self.folder / f"opened-{os.getpid()}").touch()
        return work


@dataclass(frozen=True)
class SlowOpener:
    """Notes its process and then opens for a minute."""

    folder: Path

    def __call__(self):
        (self.folder / f"opened-{os.getpid()}").touch()
        time.sleep(60)
        return work


def work(job: Item[str]) -> Generator[tuple[float, str], None, str]:
    """Do what the payload says, then write the process and the job's name into the target."""
    yield 0.5, "half"
    kind = job.payload
    if kind == "bad":
        raise InputError(f"'{job.name}' is bad")
    if kind == "full":
        raise OutputError("no space")
    if kind == "bug":
        raise ZeroDivisionError("division\nby zero")
    if kind == "die" or (kind == "die once" and not job.target.with_suffix(".died").exists()):
        job.target.with_suffix(".died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "sleep":
        time.sleep(0.3)
    if kind == "forever":
        job.target.with_suffix(".begun").write_text(str(os.getpid()))
        try:
            time.sleep(600)
        finally:
            job.target.with_suffix(".cleaned").touch()
    job.target.write_text(f"{os.getpid()} {job.name}")
    return f"made {job.name}"
