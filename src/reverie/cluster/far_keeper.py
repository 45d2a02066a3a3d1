"""Who keeps the workers of the queue: those of this machine, or as many as a cluster has room for."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

from reverie.cluster.executors import open_executor, wanted_executor
from reverie.errors import InputError
from reverie.jobs.queue.keeper import Keeper
from reverie.jobs.queue.store import Queue


def keeper_of(
    queue: Queue, registry: str, devices: Sequence[str], executor: str = "local", workers: str = "auto", *,
    frames: int = 0,
) -> Keeper:  # fmt: skip
    """Return who does the jobs of a queue.

    Args:
        queue: whose jobs they are.
        registry: import path of the module whose `find_tool` gives tools by name.
        devices: one worker for each, on this machine.
        executor: "local", "ray" or "ray://HOST:PORT".
        workers: jobs at once on a cluster; "auto" for as many as it has room for.
        frames: pictures on the way that are kept of each job.

    Raises:
        InputError: an engine that has no place for single jobs, or does not answer.
    """
    wanted = wanted_executor(executor)
    if wanted.engine == "local":
        return Keeper(queue, registry, devices, frames=frames)
    if wanted.engine != "ray":
        raise InputError("the queue's jobs go to local or ray; Slurm has a queue of its own")
    found = open_executor(executor, importlib.import_module(registry).find_tool, workers)
    assert found is not None
    if wanted.address:
        os.environ["RAY_ADDRESS"] = wanted.address  # for the processes that hold the leases
    take = "reverie.cluster.far_queue:FarTaken"
    return Keeper(queue, registry, ["auto"] * found.workers, frames=frames, take=take)
