"""Make what the next steps need while the present one computes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Calls `make(step)` for the steps to come in threads; what it makes must follow from the step alone.

    Args:
        make: called with a step; from several threads at once.
        threads: how many; with none, everything is made when it is asked for.
    """

    def __init__(self, make: Callable[[int], T], threads: int) -> None:
        self._make, self._threads = make, threads
        self._pool = ThreadPoolExecutor(threads) if threads else None
        self._waiting: dict[int, Future[T]] = {}

    def at(self, step: int) -> T:
        """Return what `make` made for a step; steps are best asked for in order."""
        if self._pool is None:
            return self._make(step)
        for number in range(step, step + 2 * self._threads):
            if number not in self._waiting:
                self._waiting[number] = self._pool.submit(self._make, number)
        for number in [n for n in self._waiting if n < step]:
            self._waiting.pop(number).cancel()
        return self._waiting.pop(step).result()

    def close(self) -> None:
        """Make nothing more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
