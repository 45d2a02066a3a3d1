"""Work through many jobs, in this process or in several, whatever happens to single ones.

A job that fails is reported and the next one begins. A worker process that dies takes nothing with it: its job is
tried once more in a fresh process, then counts as failed. Whoever closes the generator stops all work.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar

from reverie.errors import ReverieError
from reverie.jobs.worker import Do, Worker, attempt

State = Literal["done", "skipped", "failed"]
P = TypeVar("P")
A = TypeVar("A", covariant=True)

ATTEMPTS = 2  # of a job whose worker died under it
LOST_IN_A_ROW = 4  # workers that may die without a single job done in between


@dataclass(frozen=True, eq=False)
class Item(Generic[A]):
    """One piece of work: a name for messages, what it is made from, where the result goes, and how.

    `payload` is whatever the work needs; it must survive pickling. `alone` is whether it keeps files of its own beside
    its result while it is made, as films and trainings do: such a one is never made twice at once.
    """

    name: str
    source: Path | None
    target: Path
    payload: A
    alone: bool = False


Opener: TypeAlias = Callable[[], Do[Item[P]]]
"""Opens what all items share, once a worker."""


@dataclass(frozen=True)
class Outcome(Generic[A]):
    """What became of a job; `message` is the reason of a failure or a summary, `exit_code` 2 for bad input."""

    job: Item[A]
    state: State
    message: str = ""
    exit_code: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Moment(Generic[A]):
    """A job under way: the share that is done and a short text."""

    job: Item[A]
    share: float
    note: str


def run_jobs(
    jobs: Sequence[Item[P]], openers: Sequence[Opener[P]], *, here: bool = False
) -> Generator[Moment[P] | Outcome[P]]:
    """Yield what happens until every job has its outcome.

    Args:
        jobs: in the order in which they are begun.
        openers: one per worker; called in it once, to load what all its jobs share. They must survive pickling.
        here: work in this process with the first opener; nothing survives a crash then.

    Raises:
        ReverieError: an opener failed, or workers keep dying.
    """
    if not jobs:
        return
    if here:
        yield from _here(jobs, openers[0])
    else:
        yield from _Batch(jobs, openers).run()


def _here(jobs: Sequence[Item[P]], opener: Opener[P]) -> Iterator[Moment[P] | Outcome[P]]:
    work = opener()
    for job in jobs:
        began = time.monotonic()
        moments = attempt(work, job)
        while True:
            try:
                yield Moment(job, *next(moments))
            except StopIteration as end:
                code, message = end.value
                yield Outcome(job, "failed" if code else "done", message, code, time.monotonic() - began)
                break


class _Batch(Generic[P]):
    """The workers and what is left to do."""

    def __init__(self, jobs: Sequence[Item[P]], openers: Sequence[Opener[P]]) -> None:
        self._pending = deque(jobs)
        self._attempts: dict[Item[P], int] = dict.fromkeys(jobs, 0)
        self._openers = list(openers)[: len(jobs)]
        self._workers: list[Worker[Item[P]]] = []
        self._dismissed: list[Worker[Item[P]]] = []
        self._lost = 0

    def run(self) -> Iterator[Moment[P] | Outcome[P]]:
        try:
            self._workers = [Worker(opener) for opener in self._openers]
            while self._workers:
                ready = wait([w.connection for w in self._workers])
                for worker in [w for w in self._workers if w.connection in ready]:
                    yield from self._heard(worker)
        finally:
            for worker in self._workers:  # none, unless something was raised or the generator was closed
                worker.end()
            for worker in (*self._workers, *self._dismissed):
                worker.join()

    def _heard(self, worker: Worker[Item[P]]) -> Iterator[Moment[P] | Outcome[P]]:
        try:
            kind, *rest = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._died(worker)
            return
        job = worker.job
        if kind == "moment" and job is not None:
            yield Moment(job, *rest)
            return
        if kind == "unopened":
            code, message = rest
            error = ReverieError(message)
            error.exit_code = code
            raise error
        worker.job = None
        if kind == "outcome" and job is not None:
            self._lost = 0
            code, message, seconds = rest
            yield Outcome(job, "failed" if code else "done", message, code, seconds)
        self._next(worker)

    def _next(self, worker: Worker[Item[P]]) -> None:
        """Give a worker its next job, or let it go."""
        if self._pending:
            job = self._pending.popleft()
            self._attempts[job] += 1
            worker.give(job)
        else:
            self._workers.remove(worker)
            self._dismissed.append(worker)
            worker.dismiss()

    def _died(self, worker: Worker[Item[P]]) -> Iterator[Outcome[P]]:
        self._workers.remove(worker)
        how = worker.join()
        self._lost += 1
        job = worker.job
        if job is not None and self._attempts[job] >= ATTEMPTS:
            yield Outcome(job, "failed", f"the process that worked on it was ended {how}, twice; out of memory?", 1)
        elif job is not None:
            self._pending.append(job)
        if self._lost >= LOST_IN_A_ROW:
            raise ReverieError(f"worker processes keep ending ({how}); out of memory? try --workers 1")
        if self._pending:
            self._workers.append(Worker(worker.opener))
