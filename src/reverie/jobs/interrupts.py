"""Ctrl-C, SIGTERM and SIGHUP mean the same: stop, and keep what there is. Once; impatient repeats change nothing."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

IMPATIENT_S = 3.0  # a second signal within this time is the same wish
NAMES = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}


class Interrupts:
    """A handler of signals that raises `KeyboardInterrupt` for the first of several quick ones.

    Attributes:
        cause: what the user did, in words.
    """

    def __init__(self) -> None:
        self.cause = NAMES["SIGINT"]
        self._last_s = float("-inf")

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last_s < IMPATIENT_S:
            return
        self._last_s = now
        self.cause = NAMES.get(signal.Signals(number).name, "a signal")
        raise KeyboardInterrupt

    def rearm(self) -> None:
        """Let the next signal count, as where the exception of the last one was lost."""
        self._last_s = float("-inf")


def install() -> None:
    """Handle signals so where nobody handles them otherwise, such as `nohup`, a server or a program that calls us."""
    if threading.current_thread() is not threading.main_thread():
        return
    usual = {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL}
    handler = Interrupts()
    for name, default in usual.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is default:
            signal.signal(number, handler)


def raises_interrupt(handler: object) -> bool:
    """Tell whether a handler of signals is one that raises `KeyboardInterrupt`: Python's or ours."""
    return handler is signal.default_int_handler or isinstance(handler, Interrupts)


def cause() -> str:
    """Return what stopped the program, in words; also where some of the signals are ignored by now."""
    handlers = (signal.getsignal(getattr(signal, name)) for name in NAMES if hasattr(signal, name))
    ours = next((handler for handler in handlers if isinstance(handler, Interrupts)), None)
    return NAMES["SIGINT"] if ours is None else ours.cause
