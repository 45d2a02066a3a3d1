"""A job on its way: prepare, iterate, obey, write the results with the job inside; `execute` carries it to its end.

Command line, Python, live page, studio worker, watch folder and cluster task all go through here; none of them opens a
network or writes a result itself.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, cast

from reverie.errors import InputError, ReverieError
from reverie.jobs.controls import Controls
from reverie.jobs.files import HELD, fixed_files, input_notes, named_files, without_folders
from reverie.jobs.given import Given
from reverie.jobs.job import Change, Job, Json, Made, sections
from reverie.jobs.output import Encodable, Output, check_parts_of_mesh, for_format, labelled
from reverie.jobs.pace import THREADS, Pace, with_threads
from reverie.jobs.session import Session
from reverie.jobs.spread import handed_out
from reverie.jobs.target import place_beside
from reverie.jobs.tool import AnyTool, Prepared
from reverie.jobs.values import seed_of, with_chosen
from reverie.jobs.work import Progress, State, Work, resumable
from reverie.optimize import allocator
from reverie.settings import fields_of
from reverie.version import __version__

MOST_OWN_CHANGES = 200  # of the threads, so that the record has room for what people ask for


class _Own(TypedDict):
    """What a run adds to the state of its work, as `Run.standing` writes it."""

    steps: int
    weight: float
    seconds: float
    threads: int | None
    changes: list[tuple[int, Mapping[str, Json]]]


class Run:
    """One job on its way: iterate over its `Progress`, then `save`; or `keep` what there is after any step.

    Args:
        tool: what is done.
        prepared: opened with these settings; see `open_run`.
        config: the settings.
        given: the streamed input.
        controls: who may steer it; a replay brings its script here.
        scratch: see `Prepared.work`.
        like: the job that this run repeats: its names of files are stored again.

    Attributes:
        work: what runs.
        last: the latest progress.
        seconds: spent in the work's own steps.
    """

    def __init__(
        self, tool: AnyTool, prepared: Prepared, config: object, given: Given | None, *,
        controls: Controls | None = None, scratch: Path | None = None, like: Job | None = None,
    ) -> None:  # fmt: skip
        config = tool.settled(config, given)
        self.tool, self.config, self.given, self.scratch, self._like = tool, config, given, scratch, like
        self.controls = controls or Controls()
        self.work: Work = prepared.work(given, seed_of(config), scratch=scratch)
        self.notes: list[str] = [*prepared.notes, *input_notes(config)]
        self.last: Progress | None = None
        self.changes: list[Change] = []
        self.seconds, self.finished = 0.0, False
        self._done_weight, self._steps = 0.0, 0
        self._pace: Pace | None = None
        self._threads: int | None = None  # with which it begins

    def __iter__(self) -> Iterator[Progress]:
        """Go on to the end, or to where the controls stop it; changes are applied between two steps."""
        steps, torch = iter(self.work), sys.modules.get("torch")
        self._threads = self._threads or (None if torch is None else torch.get_num_threads())
        allocator.keep()
        try:
            yield from self._followed(steps)
        finally:
            allocator.give_back()
            if torch is not None and torch.get_num_threads() != self._threads:
                torch.set_num_threads(self._threads)

    def standing(self) -> State | None:
        """Return where the run stands, for `go_on` of another process; None where that cannot be."""
        found = resumable(self.work)
        state = None if found is None or self.controls.replays or self.stopped else found.state()
        if state is None:
            return None
        own: dict[str, Json] = {
            "steps": self._steps, "weight": self._done_weight, "seconds": self.seconds, "threads": self._threads,
            "changes": [[change.step, dict(change.values)] for change in self.changes],
        }  # fmt: skip
        return State(state.tensors, {"run": own, "work": dict(state.about)})

    def go_on(self, state: State) -> None:
        """Stand where another process stood, before the first step.

        Raises:
            InputError: it is the state of another work.
        """
        own = cast("_Own", state.about["run"])
        found = resumable(self.work)
        if found is None:
            raise InputError("this work cannot be gone on with")
        found.go_on(State(state.tensors, state.about["work"]))  # type: ignore[arg-type] - plain JSON
        self._steps, self._done_weight, self.seconds = own["steps"], own["weight"], own["seconds"]
        self._threads = own["threads"]
        self.changes = [Change(step, values) for step, values in own["changes"]]

    def _followed(self, steps: Iterator[Progress]) -> Iterator[Progress]:
        while True:
            asked = self.controls.take(self._steps + 1)
            if asked is None:
                return
            for change in asked:
                self._apply(change)
            began = time.perf_counter()
            progress = next(steps, None)
            took = time.perf_counter() - began
            self.seconds += took
            if progress is None:
                self.finished = True
                return
            self._steps += 1
            self._done_weight += progress.weight
            self.last = progress
            self._keep_pace(progress, took)
            yield progress

    def _keep_pace(self, progress: Progress, seconds: float) -> None:
        """Say where a step took far longer than usual; choose the threads of the next unit anew, and record it."""
        if "torch" not in sys.modules:
            return
        import torch

        self._pace = self._pace or Pace(torch.get_num_threads())
        line = self._pace.step(progress, seconds)
        if line:
            self.notes.append(line)
        if self.controls.replays or self.tool.live or len(self.changes) >= MOST_OWN_CHANGES:
            return
        threads = self._pace.threads_now(progress)
        if threads != torch.get_num_threads():
            self._apply({THREADS: threads})

    @property
    def said(self) -> tuple[str, ...]:
        """All lines for the user so far, each once."""
        given = () if self.given is None else self.given.notes
        return tuple(dict.fromkeys((*self.notes, *given, *self.work.notes)))

    @property
    def fraction(self) -> float | None:
        """How much of the work is done, in [0, 1]; None where nobody knows."""
        total = self.work.plan.weight
        if total:
            return min(1.0, self._done_weight / total)
        if self.last is None or not self.last.total:
            return None
        return min(1.0, self.last.done / self.last.total)

    @property
    def stopped(self) -> bool:
        """Whether the controls ended it before its last step."""
        return self.controls.stopped and not self.finished

    def outputs(self) -> Sequence[Output]:
        """Return what there is now."""
        return self.work.outputs()

    def job(self, quality: int | None = None) -> Job:
        """Return the job as an output stores it."""
        import torch

        chosen = self.work.chosen
        config = with_chosen(without_folders(self.config), chosen.config)
        files = {**chosen.files, **fixed_files(self.tool, self.config), **chosen.files}  # in the order of the work
        streamed = None if self.given is None else self.given.record()
        made = Made(__version__, torch.__version__, chosen.device, self._threads or torch.get_num_threads())
        job = Job(
            self.tool.name, config, streamed, chosen.model, files, made, tuple(self.changes), None, quality, chosen.more
        )
        return job if self._like is None else called_as(job, self._like, self.tool.kept)

    def record(self, quality: int | None = None, *, unfinished: bool = False) -> dict[str, Json]:
        """Return the job as plain JSON."""
        job = self.job(quality)
        stopped = self._steps if unfinished else None
        return dataclasses.replace(job, stopped_at_step=stopped).record()

    def save(self, path: Path, *, quality: int = 92, unfinished: bool = False) -> tuple[Path, ...]:
        """Write all results, the main one under this name, and return their places.

        Raises:
            InputError, OutputError: one cannot be written.
        """
        record = self.record(self.stored_quality(quality), unfinished=unfinished)
        quality = self.tool.quality or quality
        paths: list[Path] = []
        outputs = for_format(self.outputs(), path)
        for output in outputs[:1] if unfinished and self.controls.replays else outputs:
            place = self._beside(labelled(path, output)) if paths else path
            self.notes += [note for note in output.write(place, record, quality) if note not in self.notes]
            paths.append(place)
        return tuple(paths)

    def _beside(self, wanted: Path) -> Path:
        """Return where a result beside the main one goes, and say so where it is another name than usual."""
        place = place_beside(wanted, self.sources)
        if place != wanted:
            self.notes.append(f"'{wanted}' was not made by Reverie, or is a source, and is kept; see '{place.name}'")
        return place

    @property
    def sources(self) -> list[Path]:
        """The files that the results are made from."""
        own = [] if self.given is None or self.given.path is None else [self.given.path]
        return [*own, *(Path(text) for _, text in named_files(self.config))]

    def encoded(self, suffix: str, *, quality: int = 92) -> bytes:
        """Return the bytes of the main result, a picture.

        Raises:
            InputError: it is none.
        """
        main = self.outputs()[0]
        if not isinstance(main, Encodable):
            raise InputError(f"only a picture goes through a pipe; give a file with -o for reverie {self.tool.name}")
        return main.encoded(suffix, self.record(self.stored_quality(quality)), self.tool.quality or quality)

    def stored_quality(self, quality: int) -> int | None:
        """Return what a record says of the quality of lossy pictures."""
        return quality if self.tool.makes == "picture" and self.tool.quality is None else None

    def close(self) -> None:
        """Give back what the work holds."""
        self.work.close()

    def check(self, path: Path, quality: int = 92) -> None:
        """Check before long work that a result with this job inside can be written there.

        Raises:
            InputError, OutputError: it cannot.
        """
        from reverie.media.write import check_writable

        if self.tool.makes == "picture" and path.suffix.lower() not in self.tool.formats:
            check_writable(path, self.record(self.stored_quality(quality)))
        if self.tool.makes == "mesh":
            check_parts_of_mesh(path)

    def _apply(self, change: Mapping[str, Json]) -> None:
        try:
            applied = with_threads(change) if set(change) == {THREADS} else self.work.control(change)
        except ReverieError as error:
            if self.controls.replays:
                raise
            self.controls.refuse(str(error))
            return
        if self.tool.live:  # its result is the recording of all changes
            return
        self.changes.append(Change(self._steps + 1, applied))
        self.controls.applied(applied)


def open_run(
    tool: AnyTool, config: object, given: Given | None, session: Session, *, controls: Controls | None = None,
    scratch: Path | None = None, like: Job | None = None,
) -> Run:  # fmt: skip
    """Prepare a tool and return the run on one input; files are read within the memory that its settings allow.

    Raises:
        InputError: settings, files or networks that cannot be used.
    """
    config = tool.settled(config, given)
    run = Run(tool, tool.prepare(config, session), config, given, controls=controls, scratch=scratch, like=like)
    if session.executor is not None:
        handed_out(run.work, session.executor, tool, config, given, seed_of(run.config), scratch)
    return run


def called_as(job: Job, like: Job, kept: Sequence[str] = ()) -> Job:
    """Return a job with the file names of an earlier one of the same contents; for replays with renamed files.

    `kept` are further entries that are taken over.
    """
    config = job.config
    for part in sections(like.config).values():
        for field in fields_of(part):
            value = getattr(part, field.name)
            if (field.metadata.get("file") or field.metadata.get("inside")) and not str(value).startswith(HELD):
                config = with_chosen(config, {field.name: value})
    streamed = job.streamed if like.streamed is None else like.streamed
    model = (
        job.model if like.model is None or job.model is None else dataclasses.replace(job.model, name=like.model.name)
    )
    more = {name: like.more.get(name, value) if name in kept else value for name, value in job.more.items()}
    return dataclasses.replace(job, config=config, streamed=streamed, model=model, files=like.files, more=more)
