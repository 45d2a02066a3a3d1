"""A worker: takes jobs one after the other, and each step by step, so that anything can be asked between.

`python -m reverie.jobs.queue.worker HOME MODULE` runs one; MODULE has `find_tool`. A paused job stays open while others
go ahead. Killed at any moment, it leaves nothing that its successor does not find: the queue gives its jobs back.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from reverie.errors import InputError, ReverieError
from reverie.jobs.queue.entry import Entry, Made, State
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.lease import Leases
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.taken import Held, Take, Taken, tidy
from reverie.jobs.queue.trail import Trail, without_places
from reverie.jobs.session import Session
from reverie.jobs.tool import AnyTool
from reverie.threads import LEAST_LOOK_S, Machine, usable_cores

IDLE_S = 0.2  # between two looks into an empty queue
OBEY_S = 0.2  # between two looks at what is asked of running jobs
BEAT_S = 3.0
MOST_PAUSED = 3  # jobs that stay open; a further one is paused by waiting
MOST_JOBS = 300  # after which a worker makes room for a fresh one


class Worker:
    """One process's part of the queue.

    Args:
        queue: where jobs come from.
        find: gives a tool by name.
        device: where to compute, for jobs that leave it open.
        frames: pictures on the way that are kept of each job.
        take: opens a job; in its place, another that does the job's steps elsewhere, such as
            `reverie.cluster.far_queue.FarTaken`.
    """

    def __init__(
        self, queue: Queue, find: Callable[[str], AnyTool], device: str = "auto", frames: int = 0,
        take: Take = Taken,
    ) -> None:  # fmt: skip
        self.take = take
        self.queue, self.find, self.device, self.frames = queue, find, device, frames
        self.files = FileStore(queue.home, queue.database)
        self.leases = Leases(queue.database)
        self.name = self.leases.enter(device)
        self.session, self.taken = Session(), list[Held]()
        self.jobs, self._obeyed = 0, 0.0
        self._machine: Machine | None = None
        self._looked = 0.0
        self._over = threading.Event()
        os.chdir(queue.home.empty)
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def serve(self, leave: Callable[[], bool]) -> None:
        """Work until `leave` says so; what is not done then goes back into the queue."""
        self._machine, self._looked = Machine(usable_cores()), time.monotonic()
        try:
            while not leave():
                if not self.turn():
                    time.sleep(IDLE_S)
        finally:
            self._over.set()
            for taken in self.taken:
                taken.close(over=False)
            self.leases.leave(self.name)

    @property
    def worn(self) -> bool:
        """Whether it has done so many jobs that a fresh one should follow, and has none open."""
        return self.jobs >= MOST_JOBS and not self.taken

    def turn(self, *, claim: bool = True) -> bool:
        """Do one step of one job; False where there was nothing to do."""
        now = time.monotonic()
        if now - self._obeyed >= OBEY_S:
            self._obeyed = now
            for taken in list(self.taken):
                self._obey(taken)
        active = next((taken for taken in self.taken if not taken.paused), None)
        if active is None:
            return claim and len(self.taken) <= MOST_PAUSED and self._claim()
        self._step(active)
        return True

    # -- inside -------------------------------------------------------------------------------------------------------

    def _claim(self) -> bool:
        """Open the job that is next; False where nothing waits."""
        entry = self.leases.claim(self.name)
        if entry is None:
            return False
        self.jobs += 1
        self._fit_threads()
        try:
            home, frames = self.queue.home, self.frames
            taken = self.take(home, self.files, entry, self.find, self.session, self.device, frames=frames)
            self.taken.append(taken)
        except Exception as error:  # whatever is wrong with one job, the others go on
            self._failed(entry, error, 0.0)
        return True

    def _fit_threads(self) -> None:
        """Begin a job with as many threads as cores are free by now: a worker outlives what ran when it began."""
        torch, since_s = sys.modules.get("torch"), time.monotonic() - self._looked
        if torch is not None and self._machine is not None and not self.taken and since_s >= LEAST_LOOK_S:
            self._looked += since_s
            torch.set_num_threads(self._machine.threads(torch.get_num_threads())[0])

    def _obey(self, taken: Held) -> None:
        wished = self.leases.wished(taken.entry.id, self.name)
        if wished is None:  # the lease was lost, or the job was settled by others: it is not ours any more
            self._drop(taken, over=False)
            return
        if wished.wish == "cancel":
            self._settle(taken, "cancelled", [], "cancelled")
            return
        if wished.wish == "stop":
            taken.run.controls.stop()
        paused = wished.wish == "pause"
        if paused != taken.paused:
            taken.paused = paused
            self.leases.state(taken.entry.id, self.name, "paused" if paused else "running")
        for name, value in wished.changes:
            try:
                taken.run.controls.ask(name, value)
            except InputError as error:
                taken.trail.say(str(error))

    def _step(self, taken: Held) -> None:
        try:
            if taken.step():
                return
            if not self.leases.ours(taken.entry.id, self.name):
                self._drop(taken, over=False)
                return
            made, text = taken.save()
        except Exception as error:  # as in `_claim`
            self._drop(taken, over=False)
            self._failed(taken.entry, error, taken.run.seconds)
            return
        stopped = taken.run.stopped
        state: State = "done" if not stopped else "stopped" if made else "cancelled"
        text = text if not taken.entry.compare else f"{text}; {self._verdict(taken.entry.compare, made)}"
        self._settle(taken, state, made, text)

    def _settle(self, taken: Held, state: State, made: list[Made], text: str) -> None:
        text = without_places(text)
        taken.trail.say(text)
        ours = self.leases.settle(taken.entry.id, self.name, state, text, taken.run.seconds, made)
        self._drop(taken, over=ours)

    def _drop(self, taken: Held, *, over: bool) -> None:
        self.taken.remove(taken)
        taken.close(over=over)

    def _failed(self, entry: Entry, error: Exception, seconds: float) -> None:
        if isinstance(error, ReverieError):
            text = str(error)
        elif isinstance(error, MemoryError):
            text = "out of memory; give a limit of memory, or a smaller size"
        else:
            text = f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}"
            traceback.print_exception(error)
        text = without_places(text)
        Trail(self.queue.home.job(entry.id)).say(text)
        if self.leases.settle(entry.id, self.name, "failed", text, seconds):
            tidy(self.queue.home, entry.id)

    def _verdict(self, compare: str, made: list[Made]) -> str:
        try:
            before = self.queue.result(compare)
        except InputError:
            return "the result to compare with is gone"
        same = any(item.sha256 == before.sha256 for item in made)
        return "the bytes are the same" if same else "the bytes differ"

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            self.leases.beat(self.name)


def main(arguments: list[str] | None = None) -> int:
    """Run one worker until it is told to leave or its parent is gone."""
    parser = argparse.ArgumentParser(prog="reverie.jobs.queue.worker")
    parser.add_argument("home")
    parser.add_argument("registry")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--frames", type=int, default=0)
    parser.add_argument("--take", default="")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    find = importlib.import_module(asked.registry).find_tool
    module, _, name = asked.take.partition(":")
    take = getattr(importlib.import_module(module), name) if module else Taken
    worker = Worker(Queue(Home(Path(asked.home))), find, asked.device, asked.frames, take)
    if take is Taken:
        importlib.import_module("torch")  # while nothing waits, rather than when the first job does

    worker.serve(lambda: told.is_set() or _left_alone(worker, asked.parent) or worker.worn)
    return 0


def _left_alone(worker: Worker, parent: int) -> bool:
    """Tell whether the parent is gone; what was begun is ended first, since it would be begun again."""
    if not parent or os.getppid() == parent:
        return False
    while worker.turn(claim=False):
        pass
    return True


if __name__ == "__main__":
    from reverie.threads import settle_before_torch

    settle_before_torch(None)
    sys.exit(main())
