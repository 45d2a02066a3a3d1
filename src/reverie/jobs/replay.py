"""Make a result again from the job inside it, and say whether the bytes are the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reverie.errors import InputError, JobError
from reverie.jobs.controls import Controls
from reverie.jobs.files import Files, found_config
from reverie.jobs.given import Given
from reverie.jobs.job import MEANT, Job, parse
from reverie.jobs.run import Run, open_run
from reverie.jobs.session import Session
from reverie.jobs.stored import stored_record
from reverie.jobs.tool import AnyTool
from reverie.threads import MOST_THREADS

OWN = "own"  # entry of a record that says what a program brought itself, which no file can hold


def stored_job(made: Path, find: Callable[[str], AnyTool]) -> Job:
    """Return the job inside a result.

    Raises:
        InputError: it carries none, or one that cannot be read.
    """
    return parse(stored_record(made), find, f"the settings inside '{made.name}'")


def replayed(
    made: Path, job: Job, find: Callable[[str], AnyTool], session: Session, *, files: Files,
    scratch: Path | None = None,
) -> Run:  # fmt: skip
    """Return the run that makes a result again, steered as it was.

    Raises:
        InputError: an input is nowhere, or is another one.
    """
    tool = find(job.tool)
    if OWN in job.more:
        raise InputError(f"this was made by a program with {job.more[OWN]} of its own; run that program again")
    config = found_config(job, files)
    given = None
    if job.streamed is not None:
        role = tool.streamed
        kind = "picture" if role is None else role.kind
        given = Given(files.found("input", job.streamed), kind=kind)
    controls = Controls(job.changes, job.stopped_at_step)
    session = session.replaying(_meant(job))
    run = open_run(tool, config, given, session, controls=controls, scratch=scratch, like=job)
    now = run.work.chosen.model
    if job.model is not None and now is not None and now.sha256 != job.model.sha256:
        raise InputError(
            f"the network '{now.name}' is not the one that was used: its sha256 differs; give it with --model"
        )
    return run


def _meant(job: Job) -> Mapping[str, Sequence[str]]:
    """Return which classes the texts of a job named; older records do not say so.

    Raises:
        JobError: it cannot be read.
    """
    found = job.more.get(MEANT, {})
    if not isinstance(found, Mapping) or not all(
        isinstance(names, Sequence) and not isinstance(names, str) and all(isinstance(name, str) for name in names)
        for names in found.values()
    ):
        raise JobError(f"the record cannot be read: '{MEANT}' has no lists of names")
    return {text: tuple(map(str, names)) for text, names in found.items()}  # type: ignore[union-attr, arg-type]


def threads_then(job: Job) -> int:
    """Return how many threads made a result; as many as there are now where its record says none, or too many."""
    import torch

    then = job.made.threads
    return then if then is not None and 1 <= then <= MOST_THREADS else torch.get_num_threads()


@contextlib.contextmanager
def threads_of(job: Job) -> Iterator[None]:
    """Compute with as many threads as then, since their number changes the last bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads_then(job))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def verdict(job: Job, made: Path, target: Path) -> str:
    """Return whether two results have the same bytes, and what differed in their making where not."""
    import torch

    from reverie.version import __version__

    if made.is_dir() or target.is_dir():
        return "made again; folders are not compared"
    if target.read_bytes() == made.read_bytes():
        return "the bytes are the same"
    if target.suffix.lower() != made.suffix.lower():
        return f"made again as {target.suffix}; only another {made.suffix} could have the same bytes"
    if made.suffix.lower() == ".safetensors" and (same := _same_network(made, target)):
        return same
    if made.suffix.lower() == ".obj" and _without_library(made) == _without_library(target):
        return "the bytes are the same but for the name of the materials' file"
    here = {"version": __version__, "torch": torch.__version__, "threads": torch.get_num_threads()}
    then = {"version": job.made.version, "torch": job.made.torch, "threads": job.made.threads}
    changed = [
        f"{name} {then[name]} then, {value} now" for name, value in here.items() if then[name] not in (value, "", None)
    ]
    return "the bytes differ" + (
        f": {'; '.join(changed)}" if changed else ": another processor or --quality rounds differently"
    )


def _without_library(path: Path) -> list[bytes]:
    """Return the lines of an OBJ but the one that names its materials' file, which is called like the OBJ."""
    return [line for line in path.read_bytes().splitlines() if not line.startswith(b"mtllib ")]


def _same_network(made: Path, target: Path) -> str:
    """Return in what two networks are the same; nothing where their weights differ."""
    from dataclasses import replace

    from reverie.weights.checkpoint import load_model

    (one, about), (other, now) = load_model(made), load_model(target)
    if one.keys() != other.keys() or not all(value.equal(other[name]) for name, value in one.items()):
        return ""
    rest = replace(about, date="") == replace(now, date="")
    return "the weights are the same" + (", and all that is said of them but the day" if rest else "")
