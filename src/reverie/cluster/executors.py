"""Executors by name: what `--executor` takes. Reading this file loads no engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.errors import InputError, unknown_name
from reverie.jobs.tool import AnyTool

if TYPE_CHECKING:
    from reverie.jobs.executor import Executor

KNOWN = {
    "local": "processes of this machine",
    "ray": "the Ray cluster that this machine belongs to (or RAY_ADDRESS names), else one of this machine alone",
    "ray://HOST:PORT": "a Ray cluster through its client port, usually 10001",
    "slurm": "Slurm by submitit; slurm:partition=gpu,timeout_min=120 passes parameters on",
}


@dataclass(frozen=True)
class Wanted:
    """What `--executor` says.

    Attributes:
        engine: "local", "ray" or "slurm".
        address: of a Ray cluster; "" for the one of this machine.
        parameters: of a Slurm job.
    """

    engine: str = "local"
    address: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


def wanted_executor(text: str) -> Wanted:
    """Return what a text asks for.

    Raises:
        InputError: no such engine, or parameters that are not NAME=VALUE.
    """
    if text.startswith("ray://"):
        if not text.removeprefix("ray://").strip("/"):
            raise InputError("--executor ray:// needs a host, such as ray://head:10001")
        return Wanted("ray", text)
    engine, colon, rest = text.partition(":")
    if engine not in ("local", "ray", "slurm") or (colon and engine != "slurm"):
        raise InputError(f"--executor: {unknown_name('engine', text, KNOWN)}")
    parameters = []
    for word in rest.split(",") if rest else ():
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"--executor slurm takes parameters as NAME=VALUE with commas; got '{word}'")
        parameters.append((name, value))
    return Wanted(engine, "", tuple(parameters))


def open_executor(text: str, find: Callable[[str], AnyTool], workers: str = "auto") -> Executor | None:
    """Return the executor that a text asks for; None for "local", which every command has by itself.

    Args:
        text: see `KNOWN`.
        find: gives a tool by name.
        workers: how many; "auto" for as many as the engine has room for.

    Raises:
        InputError: no such engine, or it is not installed, or does not answer.
    """
    wanted = wanted_executor(text)
    if wanted.engine == "ray":
        from reverie.cluster.ray_executor import RayExecutor

        return RayExecutor(find, wanted.address, workers)
    if wanted.engine == "slurm":
        from reverie.cluster.slurm_executor import SlurmExecutor

        return SlurmExecutor(find, dict(wanted.parameters), workers)
    return None
