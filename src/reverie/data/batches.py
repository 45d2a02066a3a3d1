"""Feed a training loop: shuffled, augmented batches made one ahead by a thread, as a function of seed and step.

Because batch `i` of epoch `e` depends on nothing but (seed, e, i), a resumed run sees the batches that an
uninterrupted one would have seen.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.data.augment import Augmentation, augment
from reverie.data.pack import Pictures

AHEAD = 3  # batches prepared in advance; more only costs memory


@dataclass(frozen=True)
class Batch:
    """Augmented pictures ``[B, 3, H, W]`` in [0, 1], their labels, and the seconds the loop waited for them."""

    images: Tensor
    labels: Tensor
    waited_s: float


def seeded(*parts: object) -> torch.Generator:
    """Return a CPU generator seeded by a hash of the parts."""
    return torch.Generator().manual_seed(seed_of(*parts))


def seed_of(*parts: object) -> int:
    """Return a seed of 56 bits from a hash of the parts."""
    digest = hashlib.sha256("/".join(str(p) for p in parts).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def epoch_batches(
    pictures: Pictures,
    how: Augmentation,
    size_px: int,
    batch: int,
    seed: int,
    epoch: int,
    *,
    skip: int = 0,
    shard: tuple[int, int] = (0, 1),
) -> Generator[Batch, None, None]:
    """Yield the batches of one epoch from number `skip` on.

    `shard` is (rank, world): every process takes its slice of each global batch. A last incomplete batch is
    dropped unless it is the only one.
    """
    rank, world = shard
    order = torch.randperm(len(pictures.paths), generator=seeded(seed, "order", epoch))
    starts = batch_starts(len(order), batch)[skip:]

    def make(start: int) -> tuple[Tensor, Tensor]:
        indices = order[start : start + batch]
        if world > 1:
            indices = indices[: len(indices) // world * world][rank::world]
        generator = seeded(seed, "augment", epoch, start, rank)
        return augment(pictures.fetch(indices), size_px, how, generator), pictures.labels[indices]

    yield from _ahead([(make, start) for start in starts])


def batch_starts(count: int, batch: int) -> list[int]:
    """Return where each batch of an epoch begins."""
    return [0] if count < batch else list(range(0, count - batch + 1, batch))


def _ahead(jobs: list[tuple[Callable[[int], tuple[Tensor, Tensor]], int]]) -> Generator[Batch, None, None]:
    made: queue.Queue[tuple[Tensor, Tensor] | BaseException] = queue.Queue(AHEAD)
    stop = threading.Event()

    def put(item: tuple[Tensor, Tensor] | BaseException) -> None:
        while not stop.is_set():
            try:
                made.put(item, timeout=0.2)
                break
            except queue.Full:
                continue

    def work() -> None:
        try:
            for make, start in jobs:
                put(make(start))
                if stop.is_set():
                    return
        except BaseException as error:  # handed to the consumer, which raises it
            put(error)

    thread = threading.Thread(target=work, daemon=True, name="reverie-batches")
    thread.start()
    try:
        for _ in jobs:
            began = time.perf_counter()
            item = made.get()
            if isinstance(item, BaseException):
                raise item
            yield Batch(item[0], item[1], time.perf_counter() - began)
    finally:
        stop.set()
        thread.join(timeout=5)
