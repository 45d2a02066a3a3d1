"""Items on a Ray cluster: actors that open once, items sent to whoever is free, tried again where a node was lost.

Ray places, starts and watches the processes. What is decided here is only which item goes to whom, and what is to be
done when an actor is gone: its item goes back to the front of the list, at most `ATTEMPTS` times, and a fresh actor is
asked for wherever there is room. Items write their results whole or not at all, so doing one twice does no harm; that
also allows a second copy of the last, slow ones (`STRAGGLER`).
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reverie.cluster.far_worker import FarWorker
from reverie.cluster.ray_start import connect, thread_count
from reverie.cluster.ray_tiles import Actor, RayTiles, Reference, TileHand
from reverie.cluster.shared import Shared, marked
from reverie.errors import ReverieError
from reverie.jobs.batch import Item, Moment, Opener, Outcome
from reverie.jobs.cores import SHARE_OF_FREE, STEP_BYTES
from reverie.jobs.tool import AnyTool

ATTEMPTS = 4  # of an item whose worker was lost under it; nodes are lost more often than processes of one machine
LOST_IN_A_ROW = 12  # workers that may be lost without a single item done in between
LOOK_S = 0.5  # between two looks at how far items are
GROW_S = 5.0  # between two looks whether the cluster has become larger
ALONE_S = 120.0  # without a single machine, after which a cluster is given up
STRAGGLER = 4.0  # times the usual seconds of an item, after which an idle worker makes it too
STRAGGLER_S = 20.0  # but no item is called slow before this

P = TypeVar("P")


class RayExecutor:
    """Works through items on a Ray cluster; see `reverie.jobs.executor.Executor`.

    Args:
        find: gives a tool by name.
        address: "ray://HOST:PORT" for a client; "" for the cluster of this machine, started if there is none.
        workers: how many actors; "auto" for one per core, or per GPU where the cluster has some.

    Raises:
        InputError: Ray is not installed, or does not answer.
    """

    def __init__(self, find: Callable[[str], AnyTool], address: str = "", workers: str = "auto") -> None:
        self.find, self._asked = find, workers
        self._ray = connect(address)
        self._threads = thread_count()
        self._tiles: RayTiles | None = None

    @property
    def threads(self) -> int:
        """Threads of every worker."""
        return self._threads

    @property
    def gpus(self) -> bool:
        """Whether the cluster has GPUs; then there is a worker for each."""
        return self._ray.cluster_resources().get("GPU", 0) > 0

    @property
    def workers(self) -> int:
        """How many actors there is room for now."""
        if self._asked != "auto":
            return int(self._asked)
        found = self._ray.cluster_resources()
        return max(1, int(found["GPU"] if self.gpus else found.get("CPU", 1) // self._threads))

    @property
    def nodes(self) -> int:
        """How many machines are alive that can work."""
        return sum(bool(node["Alive"] and node["Resources"].get("CPU")) for node in self._ray.nodes())

    @property
    def memory_bytes(self) -> int | None:
        """The share of a worker of the machine that has least."""
        shares = [
            node["Resources"].get("memory", 0) / max(1, node["Resources"].get("CPU", 1) // self._threads)
            for node in self._ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU")
        ]
        return int(min(shares) * SHARE_OF_FREE) // STEP_BYTES * STEP_BYTES if shares else None

    def run(self, items: Sequence[Item[P]], opener: Opener[P]) -> Generator[Moment[P] | Outcome[P]]:
        """Yield what happens until every item has its outcome."""
        if not items:
            return
        self.close()  # helpers would keep the cores that the items need
        mark = marked(items)
        batch = _Batch(self, items, Shared(opener, mark))
        try:
            yield from batch.run()
        finally:
            batch.dismiss()
            if mark is not None:
                mark.unlink(missing_ok=True)

    def tile_workers(self) -> RayTiles:
        """Return what shares the tiles of one picture among the nodes."""
        if self._tiles is None:
            self._tiles = RayTiles(lambda: self.workers, lambda: self.actor(TileHand))
        return self._tiles

    def close(self) -> None:
        """End the helpers."""
        if self._tiles is not None:
            self._tiles.close()

    def actor(self, cls: type = FarWorker) -> Actor:
        """Ask Ray for one more worker; it comes when there is room."""
        variables = {name: str(self._threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        variables["OMP_WAIT_POLICY"] = os.environ.get("OMP_WAIT_POLICY", "passive")
        remote = self._ray.remote(concurrency_groups={"beside": 1})(cls)
        return remote.options(
            num_cpus=self._threads, num_gpus=1 if self.gpus else 0, scheduling_strategy="SPREAD", max_restarts=0,
            runtime_env={"env_vars": variables},
        ).remote()  # fmt: skip


@dataclass(eq=False)
class _Worker(Generic[P]):
    """An actor and what it does; `call` is the reference that its answer comes under."""

    actor: Actor
    call: Reference | None
    item: Item[P] | None = None
    began: float = field(default_factory=time.monotonic)
    asked: Reference | None = None


class _Batch(Generic[P]):
    """The actors and what is left to do."""

    def __init__(self, executor: RayExecutor, items: Sequence[Item[P]], opener: Opener[P]) -> None:
        import ray

        self.ray, self.executor, self.opener = ray, executor, opener
        self.pending = deque(items)
        self.attempts: dict[Item[P], int] = dict.fromkeys(items, 0)
        self.left = len(items)
        self.workers: list[_Worker[P]] = []
        self.seconds: list[float] = []
        self.lost, self.grown, self.alive = 0, 0.0, time.monotonic()

    def run(self) -> Iterator[Moment[P] | Outcome[P]]:
        while self.left:
            self._grow()
            calls = {worker.call: worker for worker in self.workers if worker.call is not None}
            ready, _ = self.ray.wait(list(calls), num_returns=1, timeout=LOOK_S)
            for call in ready:
                yield from self._answered(calls[call])
            if not ready:
                yield from self._moments()
                self._hurry()

    def dismiss(self) -> None:
        """End all actors, also those that are still waited for."""
        for worker in self.workers:
            self._kill(worker)
        self.workers.clear()

    def _grow(self) -> None:
        """Ask for as many actors as there is room and work for; the cluster may have grown, or lost some."""
        now = time.monotonic()
        if self.workers and now - self.grown < GROW_S:
            return
        self.grown = now
        if self.executor.nodes:
            self.alive = now
        elif now - self.alive > ALONE_S:
            raise ReverieError(f"no machine of the cluster has answered for {ALONE_S:.0f} s; the same command goes on")
        for _ in range(min(self.executor.workers, self.left) - len(self.workers)):
            self._start()

    def _start(self) -> None:
        actor = self.executor.actor()
        self.workers.append(_Worker(actor, actor.open.remote(self.opener)))

    def _answered(self, worker: _Worker[P]) -> Iterator[Outcome[P]]:
        item = worker.item
        try:
            answer = self.ray.get(worker.call)
        except self.ray.exceptions.RayError as error:
            yield from self._died(worker, error)
            return
        worker.call, worker.item, worker.asked = None, None, None
        if item is None:
            code, message = answer
            if code:
                error = ReverieError(message)
                error.exit_code = code
                raise error
        elif item in self.attempts:  # else a copy of it was quicker
            code, message, seconds = answer
            self.lost = 0
            self.seconds.append(seconds)
            self._over(item)
            yield Outcome(item, "failed" if code else "done", message, code, seconds)
        self._next(worker)

    def _over(self, item: Item[P]) -> None:
        """Strike an item off, and end the copies of it that are still made."""
        del self.attempts[item]
        self.left -= 1
        for other in [other for other in self.workers if other.item is item]:
            self.workers.remove(other)
            self._kill(other)

    def _next(self, worker: _Worker[P]) -> None:
        if self.pending:
            self._give(worker, self.pending.popleft())
            self.attempts[worker.item] += 1  # type: ignore[index]

    def _give(self, worker: _Worker[P], item: Item[P]) -> None:
        worker.item, worker.began = item, time.monotonic()
        worker.call = worker.actor.do.remote(item)

    def _died(self, worker: _Worker[P], error: Exception) -> Iterator[Outcome[P]]:
        self.workers.remove(worker)
        self._kill(worker)
        self.lost += 1
        item, how = worker.item, type(error).__name__
        copied = any(other.item is item for other in self.workers)
        if item is not None and item in self.attempts and not copied:
            if self.attempts[item] >= ATTEMPTS:
                self._over(item)
                yield Outcome(item, "failed", f"its worker was lost {ATTEMPTS} times ({how}); out of memory?", 1)
            else:
                self.pending.appendleft(item)
        if self.lost >= LOST_IN_A_ROW:
            raise ReverieError(f"workers of the cluster keep being lost ({how}: {' '.join(str(error).split())[:200]})")
        idle = next((other for other in self.workers if other.call is None), None)
        if idle is not None:
            self._next(idle)
        if len(self.workers) < min(self.executor.workers, self.left):
            self._start()

    def _moments(self) -> Iterator[Moment[P]]:
        """Ask the busy how far they are; who does not answer is asked no second time."""
        busy = [worker for worker in self.workers if worker.item is not None]
        for worker in busy:
            if worker.asked is None:
                worker.asked = worker.actor.moment.remote()
        ready, _ = self.ray.wait([w.asked for w in busy], num_returns=len(busy), timeout=0) if busy else ([], [])
        for worker in [w for w in busy if w.asked in ready]:
            try:
                share, note = self.ray.get(worker.asked)
            except self.ray.exceptions.RayError:
                continue  # the call itself will say so
            worker.asked = None
            assert worker.item is not None
            yield Moment(worker.item, share, note)

    def _hurry(self) -> None:
        """Let who is idle at the end make an item too that takes much longer than others did.

        A work with files of its own beside its result (a film, a training) is not begun twice at once.
        """
        idle = [worker for worker in self.workers if worker.call is None]
        if self.pending or not idle or len(self.seconds) < 3:
            return
        limit = max(STRAGGLER_S, STRAGGLER * statistics.median(self.seconds))
        slow = [w for w in self.workers if w.item is not None and time.monotonic() - w.began > limit]
        made = [w.item for w in self.workers]
        for worker in slow:
            if idle and made.count(worker.item) == 1 and not worker.item.alone:  # type: ignore[union-attr]
                self._give(idle.pop(), worker.item)  # type: ignore[arg-type]

    def _kill(self, worker: _Worker[P]) -> None:
        self.ray.kill(worker.actor, no_restart=True)
