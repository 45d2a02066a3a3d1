"""One giant picture on many machines: its tiles go to actors, step after step.

A style is scored by statistics of the whole picture. Every actor returns what its tiles add to the sums; the driver
adds them up in the order of the tiles, computes score and slope from the sums alone, and sends the slope to all: an
all-reduce with the driver in its middle. Then every tile's gradient comes back. A dream needs one pass only: windows
with halos go out, the gradients of their cores come back. All is added in the order of the tiles, so the result has
the bytes that it has on one machine.

Each step sends the picture (style) or its windows (dream) to every node once, and the gradient back: 24 bytes a pixel
and step beside some seconds of work for a megapixel, which a network of 1 Gbit/s carries for a dozen CPU nodes.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import copy
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass, replace
from typing import Any, TypeAlias, TypeVar

from reverie.errors import ReverieError

IN_FLIGHT = 2  # tasks that an actor has, so that it never waits for its next one
LOOK_S = 0.5  # between two looks whether an actor has a place, while there is none
GROW_S = 5.0  # between two looks whether there is room for more
ALONE_S = 120.0  # without a single actor, after which a cluster is given up
LOST_IN_A_ROW = 12  # actors that may be lost without a single tile done in between

R = TypeVar("R")
Actor: TypeAlias = Any  # Ray's handle of a `TileHand`: what is called on it is sent
Reference: TypeAlias = Any  # Ray's, of what will come
Task: TypeAlias = tuple[object, ...]


class TileHand:
    """The actor: holds networks, and calls functions with them."""

    def __init__(self) -> None:
        self._held: tuple[int, object] = (-1, None)
        self._shared: tuple[int, Task] = (-1, ())

    def here(self) -> None:
        """Answer, once it has a place."""

    def call(
        self, function: Callable[..., R], held: tuple[int, list[Reference]], shared: tuple[int, list[Reference]],
        task: Task,
    ) -> R:  # fmt: skip
        """Return ``function(holder, *shared, *task)``; what was sent before is kept under its number."""
        import ray

        if self._held[0] != held[0]:
            self._held = (held[0], _arrived(ray.get(held[1][0])))
        if self._shared[0] != shared[0]:
            self._shared = (shared[0], ray.get(shared[1][0]))
        return function(self._held[1], *self._shared[1], *task)


class RayTiles:
    """Calls functions for tiles on the nodes of a cluster; see `reverie.critic.tile_workers.TileWorkers`.

    Args:
        workers: gives how many actors there is room for now.
        start: asks Ray for one.
    """

    def __init__(self, workers: Callable[[], int], start: Callable[[], Actor]) -> None:
        import ray

        self._ray, self._workers, self._start = ray, workers, start
        self._actors: list[Actor] = []
        self._coming: dict[Reference, Actor] = {}  # what answers when it has a place; after a loss it may get none
        self._grown = 0.0
        self._held: tuple[int, object, list[Reference]] = (0, None, [])
        self._calls = self._lost = 0

    def each(self, function: Callable[..., R], holder: object, shared: Task, tasks: Iterable[Task]) -> Iterator[R]:
        """Yield the results in the order of the tasks, whoever is quicker and whoever is lost meanwhile."""
        if self._held[1] is not holder:
            self._held = (self._held[0] + 1, holder, [self._ray.put(_bare(holder))])
        self._calls += 1
        held, given = (self._held[0], self._held[2]), (self._calls, [self._ray.put(shared)])
        waiting, again = enumerate(tasks), deque[tuple[int, Task]]()
        running: dict[Reference, tuple[Actor, int, Task]] = {}
        done: dict[int, R] = {}
        following, ended = 0, False
        while True:
            for actor in self._free([actor for actor, _, _ in running.values()]):
                number, task = again.popleft() if again else next(waiting, (-1, ()))
                ended = ended or number < 0
                if number >= 0:
                    running[actor.call.remote(function, held, given, task)] = (actor, number, task)
            if not running and not again and ended:
                return
            ready, _ = self._ray.wait(list(running), num_returns=1)
            for reference in ready:
                actor, number, task = running.pop(reference)
                try:
                    done[number] = self._ray.get(reference)
                    self._lost = 0
                except self._ray.exceptions.RayTaskError as error:
                    raise error.as_instanceof_cause() from None
                except self._ray.exceptions.RayError as error:
                    again.append((number, task))
                    self._drop(actor, error)
            while following in done:
                yield done.pop(following)
                following += 1

    def close(self) -> None:
        """End the actors."""
        for actor in (*self._actors, *self._coming.values()):
            self._ray.kill(actor)
        self._actors.clear()
        self._coming.clear()

    def _grow(self) -> None:
        """Ask for as many actors as there is room for, and take in those that have a place."""
        now = time.monotonic()
        if not self._actors or now - self._grown >= GROW_S:
            self._grown = now
            for _ in range(max(1, self._workers()) - len(self._actors) - len(self._coming)):
                actor = self._start()
                self._coming[actor.here.remote()] = actor
        ready, _ = self._ray.wait(
            list(self._coming), num_returns=len(self._coming), timeout=0 if self._actors else LOOK_S
        ) if self._coming else ([], [])  # fmt: skip
        for reference in ready:
            actor = self._coming.pop(reference)
            self._actors.append(actor)
            try:
                self._ray.get(reference)
            except self._ray.exceptions.RayError as error:
                self._drop(actor, error)

    def _free(self, busy: list[Actor]) -> list[Actor]:
        """Return the actors that can take a task, one that can take two twice; those without any come first.

        Raises:
            ReverieError: for two minutes there was none.
        """
        until = time.monotonic() + ALONE_S
        self._grow()
        while not self._actors and not busy:
            if time.monotonic() > until:
                raise ReverieError(f"no machine of the cluster has answered for {ALONE_S:.0f} s")
            self._grow()
        room = [(busy.count(actor) + k, actor) for actor in self._actors for k in range(IN_FLIGHT - busy.count(actor))]
        return [actor for _, actor in sorted(room, key=lambda item: item[0])]

    def _drop(self, actor: Actor, error: Exception) -> None:
        if actor not in self._actors:
            return
        self._actors.remove(actor)
        self._ray.kill(actor)
        self._lost += 1
        if self._lost >= LOST_IN_A_ROW:
            raise ReverieError(f"workers of the cluster keep being lost ({type(error).__name__})")


def _bare(holder: Any) -> object:
    """Return a holder whose network is on the CPU, without replicas and helpers of its own."""
    critic = copy.copy(getattr(holder, "critic", holder))
    critic.net = copy.deepcopy(critic.net).cpu()
    critic.device, critic.replicas, critic.tile_workers = type(critic.device)("cpu"), (), None
    return replace(holder, critic=critic) if is_dataclass(holder) and not isinstance(holder, type) else critic


def _arrived(holder: Any) -> object:
    """Put a network onto the GPU that this actor was given, if it was."""
    import torch

    if os.environ.get("CUDA_VISIBLE_DEVICES") and torch.cuda.is_available():
        critic = getattr(holder, "critic", holder)
        critic.net, critic.device = critic.net.cuda(), torch.device("cuda")
    return holder
