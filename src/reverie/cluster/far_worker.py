"""The far end: one worker of a cluster, which opens once and then does item after item."""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

from reverie.errors import ReverieError
from reverie.jobs.batch import Item, Opener
from reverie.jobs.worker import Do, attempt

Answer = tuple[int, str, float]
"""Exit code, message, seconds."""


P = TypeVar("P")


class FarWorker(Generic[P]):
    """What an actor of Ray and a task of Slurm hold."""

    def __init__(self) -> None:
        self._work: Do[Item[P]] | None = None
        self._lock, self._moment = threading.Lock(), (0.0, "")

    def open(self, opener: Opener[P]) -> tuple[int, str]:
        """Open what all items share; return exit code and message."""
        try:
            self._work = opener()
        except ReverieError as error:
            return error.exit_code, str(error)
        except Exception as error:  # it would end every worker; the driver says so once
            return 1, f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return 0, ""

    def do(self, item: Item[P]) -> Answer:
        """Do one item, whatever happens to it."""
        assert self._work is not None
        began, moments = time.monotonic(), attempt(self._work, item)
        with self._lock:
            self._moment = (0.0, "")  # not that of the item before
        while True:
            try:
                moment = next(moments)
            except StopIteration as end:
                code, message = end.value
                return code, message, time.monotonic() - began
            with self._lock:
                self._moment = moment

    def moment(self) -> tuple[float, str]:
        """Return how far the item is, and a short text; asked for from beside."""
        with self._lock:
            return self._moment


# asked for while an item is made; what `ray.method` notes, so that nothing here loads Ray, and its client knows it too
FarWorker.moment.__ray_concurrency_group__ = "beside"  # type: ignore[attr-defined]
