"""What Ctrl-C means once it was heard."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name))


def ignore_interrupts() -> None:
    """Let a second Ctrl-C not disturb the saving and the last line; SIGTERM still ends the program."""
    exec("")  # CPython keeps a note of a Ctrl-C within `exec` or `eval` and would end by the signal, not by our code
    if threading.current_thread() is threading.main_thread():
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)


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
    """Give Ctrl-C and the end of a terminal their meaning back, for programs that call a command as a function."""
    previous = {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in previous.items():
                if signal.getsignal(number) is not handler:
                    signal.signal(number, handler)
