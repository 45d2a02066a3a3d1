"""The board: the latest value of each input by name, written by drivers in threads of their own, read at any time.

Nothing queues: whoever reads gets what is newest, and a flood of messages costs no memory.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

MOST_NAMES = 4096
MOST_NAME = 200  # characters


@dataclass(frozen=True)
class Sample:
    """A value and when it came, in seconds of the board's clock."""

    value: float
    time_s: float


class Board:
    """Latest values by name, such as "osc /heart", "mouse x", "key a", "lsl EEG alpha", "audio bass".

    Args:
        clock: gives seconds; `time.monotonic` in a live show, the time of a frame in one that is made again.

    Attributes:
        left_out: how many values had no room, no number or no name.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.left_out = clock, 0
        self._latest: dict[str, Sample] = {}
        self._turn = threading.Condition()
        self._count = 0

    def put(self, name: str, value: float, time_s: float | None = None) -> None:
        """Note a value; from any thread. What is no finite number is counted and left out."""
        with self._turn:
            if not math.isfinite(value) or not 0 < len(name) <= MOST_NAME or (
                name not in self._latest and len(self._latest) >= MOST_NAMES
            ):  # fmt: skip
                self.left_out += 1
                return
            self._latest[name] = Sample(float(value), self.clock() if time_s is None else time_s)
            self._count += 1
            self._turn.notify_all()

    def get(self, name: str) -> Sample | None:
        """Return the latest value of an input; None before its first."""
        with self._turn:
            return self._latest.get(name)

    def all(self) -> Mapping[str, Sample]:
        """Return the latest values of all inputs."""
        with self._turn:
            return dict(self._latest)

    def wait(self, count: int, seconds: float) -> int:
        """Return how many values have come, once there are more than `count` or after some seconds."""
        with self._turn:
            self._turn.wait_for(lambda: self._count > count, seconds)
            return self._count


class Driver(Protocol):
    """Brings values of one kind to a board.

    Attributes:
        about: what it listens to, in words.
    """

    @property
    def about(self) -> str: ...

    def close(self) -> None:
        """Stop, and wait until it has."""
        ...


class Loop:
    """A thread that does one thing again and again until it is closed: what most drivers are.

    Args:
        about: in words.
        once: called again and again; it waits at most a fraction of a second, and returns False when there is no more.
        ended: called at the end.
    """

    def __init__(self, about: str, once: Callable[[], bool], ended: Callable[[], None] = lambda: None) -> None:
        self.about, self._once, self._ended = about, once, ended
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=about[:40], daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait until it has."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.is_set() and self._once():
                pass
        finally:
            self._ended()
