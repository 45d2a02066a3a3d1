"""Hold Ctrl-C back where it would leave something half done.

A training step changes weights, and a checkpoint must never show half a step; the decoding of pictures holds locks.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reverie.jobs.interrupts import raises_interrupt


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Raise `KeyboardInterrupt` after the block instead of within it, also where the block ends with an error.

    Does nothing outside the main thread, which alone receives signals, and where the program has its own handler.
    """
    ours = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not ours or not raises_interrupt(before):
        yield
        return
    pressed: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        pressed.append(number)

    signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            raise KeyboardInterrupt
