"""One worker process: started fresh, given jobs through a pipe, ended without noise.

Ctrl-C is the parent's affair: workers never see it. A worker whose parent is gone leaves at once while it opens, and
at its next report while it works.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeAlias, TypeVar

from reverie.errors import ReverieError

PATIENCE_S = 10.0  # for a worker to leave by itself after being told to
REPORT_EVERY_S = 0.2

J = TypeVar("J")
Reports: TypeAlias = Generator[tuple[float, str], None, str]
"""Yields (fraction done, note) on the way, and returns a summary."""
Do: TypeAlias = Callable[[J], Reports]
"""Does one job."""


class Worker(Generic[J]):
    """The parent's end: a process, its pipe and the job it has."""

    def __init__(self, opener: Callable[[], Do[J]]) -> None:
        self.opener = opener
        self.job: J | None = None
        context = get_context("spawn")  # a forked torch would hang in its thread pool
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(opener, theirs), daemon=True)
        with _ctrl_c_held_back():  # inherited: the child is deaf from its first instruction on
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def give(self, job: J) -> None:
        """Hand over a job; a worker that has just died is noticed when it does not answer."""
        self.job = job
        with contextlib.suppress(OSError):
            self.connection.send(job)

    def dismiss(self) -> None:
        """Let a worker without a job leave."""
        with contextlib.suppress(OSError):
            self.connection.send(None)

    def end(self) -> None:
        """Ask a worker to drop what it is doing."""
        self._process.terminate()

    def join(self) -> str:
        """Wait for the end, by force if need be; return how it came, for people."""
        self._process.join(PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
        code = self._process.exitcode or 0
        return f"by signal {-code}" if code < 0 else f"with code {code}"


def serve(opener: Callable[[], Do[J]], connection: Connection) -> None:
    """Run in the worker: open once, then work until told to leave."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that half-written files are removed
    try:
        _serve(opener, connection)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is half written; an exception would be printed


def _serve(opener: Callable[[], Do[J]], connection: Connection) -> None:
    with contextlib.suppress(OSError, EOFError):  # the parent is gone
        with _leaving_with_the_parent():
            work = _opened(opener, connection)
        if work is None:
            return
        connection.send(("ready",))
        while (job := connection.recv()) is not None:
            began = time.monotonic()
            code, message = _followed(attempt(work, job), connection)
            connection.send(("outcome", code, message, time.monotonic() - began))


def attempt(work: Do[J], job: J) -> Generator[tuple[float, str], None, tuple[int, str]]:
    """Do one job, passing on what it yields; return exit code and message, whatever happened."""
    try:
        return 0, (yield from work(job))
    except ReverieError as error:
        return error.exit_code, str(error)
    except MemoryError:
        return 1, "out of memory; give a limit with --max-memory, or a smaller --size"
    except Exception as error:  # one bad file does not stop the others, whatever is wrong with it
        return 1, _unexpected(error)


def _opened(opener: Callable[[], Do[J]], connection: Connection) -> Do[J] | None:
    try:
        return opener()
    except ReverieError as error:
        connection.send(("unopened", error.exit_code, str(error)))
    except Exception as error:  # it would end every worker; the parent says so once
        connection.send(("unopened", 1, _unexpected(error)))
    return None


@contextlib.contextmanager
def _leaving_with_the_parent() -> Iterator[None]:
    """End this process when its parent goes within the block, which takes long and leaves nothing half written."""
    parent, over = parent_process(), threading.Event()

    def watch() -> None:
        while parent is not None and not over.is_set():
            if wait([parent.sentinel], REPORT_EVERY_S):
                os._exit(1)  # the main thread is within an import or a decoder, which no exception reaches

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _unexpected(error: Exception) -> str:
    return f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _followed(moments: Generator[tuple[float, str], None, tuple[int, str]], connection: Connection) -> tuple[int, str]:
    """Tell the parent how far a job is, a few times a second; a lost parent raises `OSError` and so ends the job."""
    last = 0.0
    while True:
        try:
            share, note = next(moments)
        except StopIteration as end:
            return end.value
        now = time.monotonic()
        if now - last >= REPORT_EVERY_S:
            last = now
            connection.send(("moment", share, note))


@contextlib.contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Delay SIGINT for this thread and for processes begun in the block; where a system cannot, do nothing."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
