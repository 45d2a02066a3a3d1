"""Share the processor and the memory out among worker processes."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from reverie.errors import InputError
from reverie.threads import usable_cores

WORKER_BYTES = 800e6  # a process with torch and a network, and a small picture's pass (measured: 500 to 700 MB)
SHARE_OF_FREE = 0.7  # of the memory that is free when a batch begins
STEP_BYTES = 2**28  # free memory is rounded down to this, so that its noise changes no plan


@dataclass(frozen=True)
class Shares:
    """How many processes work at once, with how many threads each, and how much memory all of them may use."""

    workers: int
    threads: int
    budget_bytes: int

    @property
    def worker_bytes(self) -> int:
        return self.budget_bytes // self.workers


def share_out(workers: str, budget_bytes: int | None = None, cores: int | None = None) -> Shares:
    """Decide by the machine alone, never by the number of jobs: threads change the last bits of a result.

    On two cores, two workers of one thread did 1.3 to 1.8 times as much as one of two (`benchmarks/directory.py`):
    small pictures cannot keep many threads busy. So ``auto`` is a worker per core, as far as the memory goes.

    Raises:
        InputError: `workers` is neither ``auto`` nor a positive whole number.
    """
    check_workers(workers)
    cores = cores or usable_cores()
    budget = budget_bytes or int(psutil.virtual_memory().available * SHARE_OF_FREE) // STEP_BYTES * STEP_BYTES
    count = max(1, min(cores, int(budget / WORKER_BYTES))) if workers == "auto" else int(workers)
    return Shares(count, min(max(1, cores // count), _most_threads()), max(budget, 1))


def check_workers(workers: str) -> None:
    """Raise `InputError` if it is neither ``auto`` nor a positive whole number."""
    if workers != "auto" and not (workers.isdecimal() and int(workers) >= 1):
        raise InputError(f"--workers must be 'auto' or a whole number from 1 on; got '{workers}'")


def _most_threads() -> int:
    """Return how many threads a process may have at most by the user's own word."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdecimal() and int(limit) >= 1 else 1024
