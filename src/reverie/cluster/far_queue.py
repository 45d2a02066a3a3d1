"""Jobs of the studio's queue on a Ray cluster.

The queue, its database and its leases stay on the machine of the studio: one light process there for every job that
runs, which holds the lease, passes on what users ask, and lets an actor do the steps. The actor reads inputs and writes
progress, state and results in the queue's folder, on storage that all machines share; it never opens the database. An
actor that is lost is followed by another, which goes on from the job's own state.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from reverie.cluster.ray_executor import ATTEMPTS, RayExecutor
from reverie.errors import InputError, ReverieError
from reverie.jobs.job import Json, parse
from reverie.jobs.queue.entry import Entry, Made
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.taken import Taken, input_paths, tidy
from reverie.jobs.queue.trail import Trail
from reverie.jobs.session import Session
from reverie.jobs.tool import AnyTool

R = TypeVar("R")
Ts = TypeVarTuple("Ts")
STEPS_S = 0.2  # for which an actor goes on before it says how far it is; what users ask waits as long


@dataclass(frozen=True)
class Known:
    """Inputs by content, found on the machine of the queue."""

    paths: dict[str, Path]

    def path(self, digest: str) -> Path:
        """Return where a file lies.

        Raises:
            InputError: it was never sent.
        """
        if digest not in self.paths:
            raise InputError("an input was never sent")
        return self.paths[digest]


class FarHand:
    """The actor: one job, opened and done as a worker of the queue does it."""

    def __init__(self) -> None:
        self._session, self._taken = Session(), None

    def open(
        self, home: Home, known: Known, entry: Entry, find: Callable[[str], AnyTool], device: str, frames: int
    ) -> None:
        """Open a job, from its state where there is one."""
        os.chdir(home.empty)
        self._taken = Taken(home, known, entry, find, self._session, device, frames=frames)

    def steps(self, changes: list[tuple[str, Json]], stop: bool) -> tuple[bool, float, list[str]]:
        """Apply what was asked, do some steps; return whether there are more, the seconds, and what was refused."""
        taken, refused = self._taken, []
        assert taken is not None
        if stop:
            taken.run.controls.stop()
        for name, value in changes:
            try:
                taken.run.controls.ask(name, value)
            except InputError as error:
                refused.append(str(error))
        until = time.monotonic() + STEPS_S
        more = taken.step()
        while more and time.monotonic() < until:
            more = taken.step()
        return more, taken.run.seconds, refused

    def save(self) -> tuple[list[Made], str, bool]:
        """Write the results; return them, the last line, and whether the job was stopped."""
        assert self._taken is not None
        made, text = self._taken.save()
        return made, text, self._taken.run.stopped

    def close(self) -> None:
        """Give back what the work holds; the queue's own machine tidies up."""
        if self._taken is not None:
            self._taken.run.close()
            self._taken.trail.finish()


class _Controls:
    """What was asked since the last steps."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, Json]] = []
        self.stopping = False

    def ask(self, name: str, value: Json) -> None:
        """Pass a change on with the next steps."""
        self.changes.append((name, value))

    def stop(self) -> None:
        """Have it stopped and kept."""
        self.stopping = True


class _Run:
    """What the worker of the queue asks of a run."""

    def __init__(self) -> None:
        self.controls, self.seconds, self.stopped = _Controls(), 0.0, False


class FarTaken:
    """A job that an actor does; for the worker of the queue the same as `reverie.jobs.queue.taken.Taken`."""

    def __init__(
        self, home: Home, files: FileStore, entry: Entry, find: Callable[[str], AnyTool], session: Session, device: str,
        *, frames: int = 0,
    ) -> None:  # fmt: skip
        self.home, self.entry, self.paused = Home(home.root.absolute()), entry, False
        self.trail, self.run = Trail(home.job(entry.id)), _Run()
        job = parse(dict(entry.record), find)
        paths = input_paths(job, files)
        known = {item.sha256: paths[role] for role, item in job.files.items()}
        if job.streamed is not None:
            known[job.streamed.sha256] = paths["input"]
        self._executor = session.opened("executor", lambda: RayExecutor(find, "", "1"))
        self._open = (self.home, Known({key: path.absolute() for key, path in known.items()}), entry, find, device,
                      frames)  # fmt: skip
        self._lost = 0
        self._actor: Any = None
        self._begun()

    def step(self) -> bool:
        """Do some steps; False after the last."""
        controls = self.run.controls
        asked, controls.changes = controls.changes, []
        more, seconds, refused = self._asked(FarHand.steps, asked, controls.stopping)
        self.run.seconds = seconds
        for line in refused:
            self.trail.say(line)
        return more

    def save(self) -> tuple[list[Made], str]:
        """Write what there is."""
        made, text, stopped = self._asked(FarHand.save)
        self.run.stopped = stopped
        return made, text

    def close(self, *, over: bool) -> None:
        """End the actor; where the job is over, remove what only a resumed job would need."""
        import ray
        import ray.exceptions

        with suppress(ray.exceptions.RayError):  # it is gone, and what it held with it
            ray.get(self._actor.close.remote(), timeout=30)
        ray.kill(self._actor)
        if over:
            tidy(self.home, self.entry.id)

    def _begun(self) -> None:
        self._actor = self._executor.actor(FarHand)
        self._asked(FarHand.open, *self._open)

    def _asked(self, method: Callable[[FarHand, *Ts], R], *arguments: *Ts) -> R:
        """Call the actor; where it is lost, another begins from the job's state and is asked the same."""
        import ray
        import ray.exceptions

        while True:
            try:
                return ray.get(getattr(self._actor, method.__name__).remote(*arguments))
            except ray.exceptions.RayTaskError as error:
                raise error.as_instanceof_cause() from None
            except ray.exceptions.RayError as error:
                self._lost += 1
                if self._lost >= ATTEMPTS:
                    raise ReverieError(f"its worker was lost {ATTEMPTS} times ({type(error).__name__})") from error
                self.trail.say("its worker was lost; another goes on from its state")
                ray.kill(self._actor)
                self._actor = self._executor.actor(FarHand)
                if method is not FarHand.open:
                    self._asked(FarHand.open, *self._open)
                if method is FarHand.save:  # the steps that its state did not hold
                    while self._asked(FarHand.steps, [], False)[0]:
                        pass
