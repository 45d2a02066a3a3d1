"""A job that a worker has taken up: opened from the queue, made step by step, handed in with its results."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from reverie.errors import InputError
from reverie.jobs.execute import Clock, summary
from reverie.jobs.files import Files, found_config, named_files
from reverie.jobs.given import Given
from reverie.jobs.job import Job, Json, parse
from reverie.jobs.many import scratch_of
from reverie.jobs.queue.entry import Entry, Made
from reverie.jobs.queue.files import FileStore, plain_name, size_of
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.kept import KeptState
from reverie.jobs.queue.trail import FRAMES, Trail
from reverie.jobs.replay import replayed, threads_then
from reverie.jobs.run import Run, open_run
from reverie.jobs.session import Session
from reverie.jobs.tool import AnyTool
from reverie.jobs.values import has_field, with_chosen
from reverie.media.suffixes import KINDS, TABLES

SHOWN = ("picture", "film", "mesh", "network", "page", "table")  # kinds that the pages know; all else is a file


class Inputs(Protocol):
    """Inputs by content: a `FileStore`, or what another machine was told of one."""

    def path(self, digest: str) -> Path:
        """Return where a file lies.

        Raises:
            InputError: it was never sent.
        """
        ...


class Steered(Protocol):
    """The controls of a job under way, as its worker uses them."""

    def ask(self, name: str, value: Json) -> None: ...
    def stop(self) -> None: ...


class UnderWay(Protocol):
    """The run of a job under way, as its worker sees it."""

    @property
    def controls(self) -> Steered: ...
    @property
    def seconds(self) -> float: ...
    @property
    def stopped(self) -> bool: ...


class Held(Protocol):
    """A job that a worker of the queue has: done here (`Taken`), or elsewhere."""

    paused: bool

    @property
    def entry(self) -> Entry: ...
    @property
    def trail(self) -> Trail: ...
    @property
    def run(self) -> UnderWay: ...

    def step(self) -> bool: ...
    def save(self) -> tuple[list[Made], str]: ...
    def close(self, *, over: bool) -> None: ...


class Take(Protocol):
    """Opens a job; see `Taken` for what it gets."""

    def __call__(
        self, home: Home, files: FileStore, entry: Entry, find: Callable[[str], AnyTool], session: Session, device: str,
        *, frames: int = 0,
    ) -> Held: ...  # fmt: skip


class Taken:
    """One job on its way in a worker.

    Args:
        home: the queue's folder.
        files: where its inputs lie.
        entry: what was taken up.
        find: gives a tool by name.
        session: open networks of this worker.
        device: where to compute, for jobs that leave it open.
        frames: pictures on the way that are kept.

    Raises:
        InputError: the job cannot be done.
    """

    def __init__(
        self, home: Home, files: Inputs, entry: Entry, find: Callable[[str], AnyTool], session: Session, device: str,
        *, frames: int = 0,
    ) -> None:  # fmt: skip
        self.home, self.entry, self.paused = home, entry, False
        self.trail = Trail(home.job(entry.id), frames)
        self._told: list[str] = []
        job = parse(dict(entry.record), find)
        self.quality = job.quality or 92
        self.threads = threads_then(job)
        self.tool = find(job.tool)
        self.folder = home.result(entry.id)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.target = self.folder / f"{result_stem(self.tool, job)}{entry.suffix}"
        if device != "auto" and has_field(job.config, "device"):
            job = dataclasses.replace(job, config=with_chosen(job.config, {"device": device}))
        scratch = home.job(entry.id) / scratch_of(self.target, self.tool).name
        found = Files(None, None, linked(input_paths(job, files), job, home.job(entry.id) / "inputs"))
        if job.made.version:
            self.run: Run = replayed(self.target, job, find, session, files=found, scratch=scratch)
        else:
            self.run = fresh(self.tool, job, found, session, scratch)
        self._kept = KeptState(home.job(entry.id))
        resumed = self._kept.resume(self.run)
        if resumed:
            self.trail.say(resumed)
        self._steps, self._clock = iter(self.run), Clock()
        self._tell()

    def step(self) -> bool:
        """Do one step; False after the last."""
        import torch

        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        progress = next(self._steps, None)
        self.threads = torch.get_num_threads()  # a film may change them between two frames, and records it
        self._tell()
        if progress is None:
            return False
        self._kept.keep(self.run)
        fraction = self.run.fraction
        eta_s = self._clock.left_s(progress, fraction)
        self.trail.show(progress, fraction, eta_s, steerable=self.run.work.plan.steerable)
        return True

    def save(self) -> tuple[list[Made], str]:
        """Write what there is; return the results and the last line. Nothing, where there was no step.

        Raises:
            InputError, OutputError: it cannot be written.
        """
        unfinished = self.run.stopped
        if unfinished and self.run.last is None:
            return [], "before the first step; nothing was kept"
        paths = self.run.save(self.target, quality=self.quality, unfinished=unfinished)
        self._tell()
        made = [made_of(path) for path in paths]
        text = summary(self.run)
        return made, f"stopped and kept: {text}" if unfinished else text

    def close(self, *, over: bool) -> None:
        """Give back what the work holds; where it is over, remove what only a resumed job would need."""
        self.run.close()
        if over:
            self.trail.finish()
            tidy(self.home, self.entry.id)

    def _tell(self) -> None:
        for note in self.run.said:
            if note not in self._told:
                self._told.append(note)
                self.trail.say(note)


def fresh(tool: AnyTool, job: Job, files: Files, session: Session, scratch: Path) -> Run:
    """Return the run of a job that was never made before.

    Raises:
        InputError: settings, files or networks that cannot be used.
    """
    config, given = found_config(job, files), None
    if job.streamed is not None:
        kind = "picture" if tool.streamed is None else tool.streamed.kind
        given = Given(files.found("input", job.streamed), kind=kind)
    if tool.settle is not None:
        config = tool.settle(config, "" if given is None else given.name)
    return open_run(tool, config, given, session, scratch=scratch)


def linked(paths: Mapping[str, Path], job: Job, folder: Path) -> dict[str, Path]:
    """Return the inputs under the names that their user gave them: side by side, for texts that name others."""
    shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, Path] = {}
    for number, (role, path) in enumerate(paths.items()):
        item = job.streamed if role == "input" else job.files[role]
        assert item is not None
        place = folder / plain_name(item.name)
        if place.exists():
            place = folder / str(number) / place.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            place.symlink_to(path, target_is_directory=True)
        else:
            place.hardlink_to(path)
        found[role] = place
    return found


def tidy(home: Home, key: str) -> None:
    """Remove what only matters while a job runs; its log and curves stay."""
    folder = home.job(key)
    Trail(folder).clear()
    for path in folder.iterdir():
        if path.is_dir() and path.name != FRAMES:
            shutil.rmtree(path, ignore_errors=True)


def input_paths(job: Job, files: Inputs) -> dict[str, Path]:
    """Return where every input of a job lies, by role.

    Raises:
        InputError: one was never sent, or the settings name a file that is not among the inputs.
    """
    found = {role: files.path(item.sha256) for role, item in job.files.items()}
    if job.streamed is not None:
        found["input"] = files.path(job.streamed.sha256)
    for role, text in named_files(job.config):
        if role not in job.files and ("/" in text or "\\" in text):
            raise InputError(f"the file of '{role}' was not sent: {Path(text).name}")
    return found


def result_stem(tool: AnyTool, job: Job) -> str:
    """Return the stem of the result's name: as on the command line."""
    if job.streamed is not None:
        stem = Path(job.streamed.name).stem
    else:
        stem = tool.name_of(job.config) if tool.name_of is not None else tool.name.replace(" ", "-")
    return Path(plain_name(f"{stem}-{tool.ending}" if tool.ending else stem) + ".x").stem


def made_of(path: Path) -> Made:
    """Return what a result is."""
    from reverie.jobs.given import sha256_of

    suffix = path.suffix.lower()
    folder = path.is_dir()
    known = "table" if suffix in TABLES else KINDS.get(suffix)
    kind = "folder" if folder else known if known in SHOWN else "file"
    size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if folder else path.stat().st_size
    return Made(path.name, kind, sha256_of(path), size, *size_of(path, kind))
