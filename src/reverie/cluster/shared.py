"""Is the storage shared? A worker that cannot see the driver's folder would write where nobody looks."""

from __future__ import annotations

import glob
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

import psutil

from reverie.errors import InputError, OutputError
from reverie.jobs.batch import Item, Opener
from reverie.jobs.worker import Do

P = TypeVar("P")


@dataclass(frozen=True)
class Shared(Generic[P]):
    """An opener that first looks for a mark which the driver left in the folder of the results."""

    opener: Opener[P]
    mark: Path | None

    def __call__(self) -> Do[Item[P]]:
        if self.mark is not None and not self.mark.exists():
            raise InputError(
                f"'{self.mark.parent}' is not the same folder on {socket.gethostname()}: an executor needs storage "
                "that all machines share, under the same path, or URLs such as s3://bucket/folder"
            )
        return self.opener()


def marked(items: Sequence[Item[object]]) -> Path | None:
    """Leave a mark beside the first result; None where results go to an object store.

    Marks of commands of this machine that ended without a word, as where the head is lost, are removed.

    Raises:
        OutputError: nothing can be written there.
    """
    place = next((item.target.parent for item in items if item.target.is_absolute()), None)
    if place is None:
        return None
    ours = f".reverie-{socket.gethostname()}-"
    mark = place / f"{ours}{os.getpid()}-{uuid4().hex[:8]}.here"
    try:
        for other in place.glob(f"{glob.escape(ours)}*.here"):
            process = other.name.removeprefix(ours).partition("-")[0]
            if process.isdecimal() and not psutil.pid_exists(int(process)):
                other.unlink(missing_ok=True)
        mark.touch()
    except OSError as error:
        raise OutputError(f"cannot write into '{place}': {error.strerror or error}") from error
    return mark
