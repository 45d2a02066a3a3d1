"""Items on Slurm by submitit: an array of tasks, each with its shard of the items.

What a task has done stands in small files beside the results, so a task that is preempted, runs out of time or loses
its node goes on behind its last finished item. Slurm requeues what it preempts (submitit's checkpoint); a shard that
ended otherwise is submitted again here, at most `ATTEMPTS` times.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import uuid4

from reverie.cluster.far_worker import Answer, FarWorker
from reverie.cluster.ray_start import thread_count
from reverie.cluster.shared import Shared, marked
from reverie.errors import InputError, ReverieError
from reverie.jobs.batch import Item, Moment, Opener, Outcome
from reverie.jobs.tool import AnyTool

ATTEMPTS = 4  # of a shard
WORKERS = 8  # tasks of an array where nobody says
END_S = 10.0  # for local processes to end after their last answer
LOOK_S = 0.5  # between two looks into the folder of answers
TIMEOUT_MIN = 240  # of a task, where the parameters do not say

P = TypeVar("P")


@dataclass(frozen=True)
class Shard(Generic[P]):
    """What one task does; submitit calls it, and sends it again where it was preempted.

    Attributes:
        numbers: of its items among all.
        items: themselves.
        opener: called once.
        folder: where answers go, NUMBER.json each.
    """

    numbers: tuple[int, ...]
    items: tuple[Item[P], ...]
    opener: Opener[P]
    folder: Path

    def __call__(self) -> None:
        worker = FarWorker[P]()
        code, message = worker.open(self.opener)
        if code:
            _write(self.folder / "unopened.json", [code, message])
            return
        for number, item in zip(self.numbers, self.items, strict=True):
            place = self.folder / f"{number}.json"
            if not place.exists():
                _write(place, worker.do(item))

    def checkpoint(self) -> Any:
        """Return what submitit sends again: the same, which leaves out what has an answer."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


class SlurmExecutor:
    """Works through items by an array of Slurm tasks; see `reverie.jobs.executor.Executor`.

    Args:
        find: gives a tool by name.
        parameters: of submitit's `AutoExecutor.update_parameters`, and "cluster": "local" makes processes of this
            machine in place of Slurm tasks.
        workers: tasks of the array.

    Raises:
        InputError: submitit is not installed, or there is no Slurm here.
    """

    def __init__(self, find: Callable[[str], AnyTool], parameters: Mapping[str, str], workers: str = "auto") -> None:
        try:
            import submitit
        except ImportError as error:
            raise InputError("--executor slurm needs submitit; pip install 'reverie[cluster]'") from error
        self.find, self._submitit = find, submitit
        self._parameters = {"timeout_min": str(TIMEOUT_MIN), "name": "reverie", **parameters}
        self._cluster = self._parameters.pop("cluster", None)
        if self._cluster is None and shutil.which("sbatch") is None:
            raise InputError("there is no Slurm on this machine: 'sbatch' is not found; run this on a login node")
        self.here = self._cluster in ("local", "debug")
        self.threads, self.workers = thread_count(), WORKERS if workers == "auto" else int(workers)
        self.memory_bytes = None

    def run(self, items: Sequence[Item[P]], opener: Opener[P]) -> Generator[Moment[P] | Outcome[P]]:
        """Yield what happens until every item has its outcome."""
        if not items:
            return
        mark = marked(items)
        place = items[0].target.parent if items[0].target.is_absolute() else Path.cwd()
        folder = place / f".reverie-slurm-{os.getpid()}-{uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        array = _Array(self, items, Shared(opener, mark), folder)
        try:
            yield from array.run()
        finally:
            array.cancel()
            shutil.rmtree(folder, ignore_errors=True)
            if mark is not None:
                mark.unlink(missing_ok=True)

    def tile_workers(self) -> None:
        """Return none: tasks of Slurm do not talk with each other while they run."""

    def close(self) -> None:
        """There is nothing to give back."""

    def submit(self, shards: Sequence[Shard[P]], folder: Path) -> list[Any]:
        """Send shards as one array and return submitit's jobs."""
        executor = self._submitit.AutoExecutor(folder=folder / "log", cluster=self._cluster)
        known = {key: int(value) if value.isdecimal() else value for key, value in self._parameters.items()}
        executor.update_parameters(**{"cpus_per_task": self.threads, **known})
        with executor.batch():
            return [executor.submit(shard) for shard in shards]


class _Array(Generic[P]):
    """The tasks that were sent and what has come back."""

    def __init__(self, executor: SlurmExecutor, items: Sequence[Item[P]], opener: Opener[P], folder: Path) -> None:
        self.executor, self.items, self.opener, self.folder = executor, items, opener, folder
        self.open = set(range(len(items)))
        self.tasks: list[tuple[Any, Shard[P], int]] = []

    def run(self) -> Iterator[Moment[P] | Outcome[P]]:
        count = min(self.executor.workers, len(self.items))
        self._send([tuple(range(first, len(self.items), count)) for first in range(count)], 1)
        while self.open:
            time.sleep(LOOK_S)
            over = [task for task in self.tasks if task[0].done()]  # before the answers: none comes after it
            yield from self._answers()
            for task in over:
                self.tasks.remove(task)
                yield from self._after(*task)

    def cancel(self) -> None:
        """End what still runs; processes of this machine that have answered may end by themselves, without a word."""
        if not self.open:
            self._await_ends()
        for job, _, _ in self.tasks:
            job.cancel()
        self._await_ends()

    def _await_ends(self) -> None:
        until = time.monotonic() + (END_S if self.executor.here else 0.0)
        while time.monotonic() < until and not all(job.done() for job, _, _ in self.tasks):
            time.sleep(0.05)

    def _send(self, parts: Sequence[tuple[int, ...]], attempt: int) -> None:
        shards = [Shard(part, tuple(self.items[n] for n in part), self.opener, self.folder) for part in parts]
        jobs = self.executor.submit(shards, self.folder)
        self.tasks += [(job, shard, attempt) for job, shard in zip(jobs, shards, strict=True)]

    def _answers(self) -> Iterator[Outcome[P]]:
        found = {path.stem: path for path in self.folder.glob("*.json")}
        if "unopened" in found:
            code, message = json.loads(found["unopened"].read_text("utf-8"))
            error = ReverieError(message)
            error.exit_code = code
            raise error
        for number in sorted(n for n in self.open if str(n) in found):
            code, message, seconds = json.loads(found[str(number)].read_text("utf-8"))
            self.open.discard(number)
            yield Outcome(self.items[number], "failed" if code else "done", message, code, seconds)

    def _after(self, job: Any, shard: Shard[P], attempt: int) -> Iterator[Outcome[P]]:
        """Send again what a task has left undone, or give it up."""
        left = tuple(number for number in shard.numbers if number in self.open)
        if not left:
            return
        if attempt < ATTEMPTS:
            self._send([left], attempt + 1)
            return
        lines = (job.stderr() or "").strip().splitlines()
        for number in left:
            self.open.discard(number)
            why = f"its task ended {ATTEMPTS} times without it: {lines[-1][:300] if lines else 'no message'}"
            yield Outcome(self.items[number], "failed", why, 1)


def _write(place: Path, answer: Answer | list[Any]) -> None:
    part = place.with_suffix(".part")
    part.write_text(json.dumps(answer), "utf-8")
    part.replace(place)
