"""What Ctrl-C means once it was heard."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


def ignore_interrupts() -> None:
    """Let a second Ctrl-C not disturb the saving and the last line; SIGTERM still ends the program."""
    exec("")  # CPython keeps a note of a Ctrl-C within `exec` or `eval` and would end by the signal, not by our code
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def ending_like_interrupts() -> Iterator[Callable[[], int]]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does: what there is is kept, and the program ends.

    Gives a function that returns the number of the signal that came, 0 if none. One that comes while results are kept,
    when Ctrl-C is ignored, ends the program as it always did.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return

    def pass_on(number: int, frame: FrameType | None) -> None:
        came.append(number)
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            handler(signal.SIGINT, frame)
            return
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in (getattr(signal, name) for name in names)}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:  # nohup and programs that call us have handlers of their own
            signal.signal(number, pass_on)
    try:
        yield lambda: came[0] if came else 0
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is pass_on:
                signal.signal(number, handler)


@contextmanager
def listening() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was pressed in the block, whatever became of its exception.

    Compiled code that looks at a Python object may swallow a `KeyboardInterrupt` and go on to complain of the object.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    ear, mouth = socket.socketpair()
    with ear, mouth:
        ear.setblocking(False)
        mouth.setblocking(False)
        previous = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)

        def heard() -> bool:
            with suppress(BlockingIOError):
                return signal.SIGINT in ear.recv(4096)
            return False

        try:
            yield heard
        finally:
            signal.set_wakeup_fd(previous)


@contextmanager
def interrupts_restored() -> Iterator[None]:
    """Give Ctrl-C its meaning back at the end, for programs that call a command as a function."""
    previous = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not previous:
            signal.signal(signal.SIGINT, previous)
