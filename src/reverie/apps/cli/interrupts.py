"""What Ctrl-C means once it was heard."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def ignore_interrupts() -> None:
    """Let a second Ctrl-C not disturb the saving and the last line; SIGTERM still ends the program."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interrupts_restored() -> Iterator[None]:
    """Give Ctrl-C its meaning back at the end, for programs that call a command as a function."""
    previous = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not previous:
            signal.signal(signal.SIGINT, previous)
