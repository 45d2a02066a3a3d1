"""Share the tiles of one picture among several critics, one thread for each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import torch
from torch import Tensor

from reverie.critic.run import is_redirected
from reverie.optimize.redirect import redirected_relu

C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")


def share(work: Callable[[C, T], R], workers: Sequence[C], tasks: Sequence[T]) -> list[R]:
    """Return ``work(worker, task)`` for every task, in order; a worker that is quicker takes more of them.

    Whether gradients are recorded and ReLUs redirected holds for all threads as it holds for the caller.
    """
    if len(workers) == 1 or len(tasks) < 2:
        return [work(workers[0], task) for task in tasks]
    waiting: SimpleQueue[tuple[int, T]] = SimpleQueue()
    for item in enumerate(tasks):
        waiting.put(item)
    found: dict[int, R] = {}
    recording, redirected = torch.is_grad_enabled(), is_redirected()

    def busy(worker: C) -> None:
        mode: Any = redirected_relu() if redirected else contextlib.nullcontext()
        with torch.set_grad_enabled(recording), mode, contextlib.suppress(Empty):
            while True:
                number, task = waiting.get_nowait()
                found[number] = work(worker, task)

    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(busy, worker) for worker in workers]:
            done.result()
    return [found[number] for number in range(len(tasks))]


def sum_of(tensors: Sequence[Tensor]) -> Tensor:
    """Return the sum, added in order, so that it does not depend on who was quicker."""
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor
    return total
