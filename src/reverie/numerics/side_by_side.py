"""Work in several threads at once, as many as torch has, for loops that let go of Python's lock.

OpenMP shares out one operation of torch; work of many small ones, or of loops of our own, is shared out here. The
threads stay: to start one takes as long as a strip of a picture. Inside them torch has one thread, since all cores
have work already. A process that is forked makes its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

R = TypeVar("R")


def side_by_side(work: Callable[[int], R], count: int) -> list[R]:
    """Return ``work(0)``, ``work(1)``, ... up to `count`, made at once by as many threads as torch has.

    With one thread, or inside of another such call, they are made one after the other.
    """
    threads = torch.get_num_threads()
    if count < 2 or threads < 2:
        return [work(number) for number in range(count)]
    return list(_pool(threads, os.getpid()).map(work, range(count)))


@lru_cache(1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Return that many threads, started; torch's own number, which new threads take over, is as before."""
    all_here = threading.Barrier(threads)

    def start(_: int) -> None:
        torch.get_num_threads()  # the first question of a thread takes over the number of the process
        torch.set_num_threads(1)
        all_here.wait()

    pool = ThreadPoolExecutor(threads, "side by side")
    list(pool.map(start, range(threads)))
    torch.set_num_threads(threads)
    return pool
