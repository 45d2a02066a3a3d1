"""Hold Ctrl-C back where it would leave something half done.

A training step changes weights, and a checkpoint must never show half a step; the decoding of pictures holds locks.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reverie.jobs.interrupts import NAMES, raises_interrupt


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP take effect after the block instead of within it, also where it ends by an error.

    Does nothing outside the main thread, which alone receives signals, and where the program has its own handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    pressed: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        pressed.append(number)

    held = {number: handler for number, handler in before.items() if callable(handler) and raises_interrupt(handler)}
    for number in held:
        signal.signal(number, remember)
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        if pressed:
            held[pressed[0]](pressed[0], None)
