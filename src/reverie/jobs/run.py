"""The whole life of a job: prepare, iterate, tell who watches, obey, write the results with the job inside.

Command line, Python, live page, studio worker, watch folder and cluster task all go through here; none of them opens a
network or writes a result itself.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from reverie.errors import InputError, OutputError, ReverieError, printable
from reverie.jobs.controls import Controls
from reverie.jobs.files import HELD, named_files, picture_role, recorded_files, without_folders
from reverie.jobs.given import Given
from reverie.jobs.job import Change, Input, Job, Json, Made, sections
from reverie.jobs.output import Encodable, Output
from reverie.jobs.pace import Pace
from reverie.jobs.session import Session
from reverie.jobs.spread import handed_out
from reverie.jobs.tool import AnyTool, Prepared
from reverie.jobs.work import Progress, Work
from reverie.threads import MOST_THREADS
from reverie.weights.file_names import fitted

THREADS = "threads"  # a change that a run makes itself between two units, recorded like those that people ask for
SHOWN_S = 0.05  # less is nothing that anybody waited for
MOST_OWN_CHANGES = 200  # of the threads, so that the record has room for what people ask for
End = Literal["done", "stopped", "interrupted"]


class Watch(Protocol):
    """Whoever looks on: a terminal's bar, a page, a worker's pipe, nobody."""

    def begin(self, run: Run) -> None:
        """A run begins."""

    def show(self, progress: Progress, fraction: float | None, eta_s: float | None) -> None:
        """Follow one step; `fraction` of the work is done, as far as that is known."""

    def say(self, line: str) -> None:
        """Tell the user something lasting."""

    def end(self, end: End, text: str) -> None:
        """A run is over."""


class Nobody:
    """The watch of who does not look."""

    def begin(self, run: Run) -> None: ...
    def show(self, progress: Progress, fraction: float | None, eta_s: float | None) -> None: ...
    def say(self, line: str) -> None: ...
    def end(self, end: End, text: str) -> None: ...


class Watches:
    """Several watches as one."""

    def __init__(self, *watches: Watch) -> None:
        self.all = watches

    def begin(self, run: Run) -> None:
        """Pass on."""
        for watch in self.all:
            watch.begin(run)

    def show(self, progress: Progress, fraction: float | None, eta_s: float | None) -> None:
        """Pass on."""
        for watch in self.all:
            watch.show(progress, fraction, eta_s)

    def say(self, line: str) -> None:
        """Pass on."""
        for watch in self.all:
            watch.say(line)

    def end(self, end: End, text: str) -> None:
        """Pass on."""
        for watch in self.all:
            watch.end(end, text)


@dataclass(frozen=True)
class Ended:
    """How a run ended: what was written, the main result first, and for whom to say it."""

    end: End
    paths: tuple[Path, ...]
    text: str


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
        self._threads = None if torch is None else torch.get_num_threads()
        try:
            yield from self._followed(steps)
        finally:
            if torch is not None and torch.get_num_threads() != self._threads:
                torch.set_num_threads(self._threads)

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

        import reverie

        chosen = self.work.chosen
        config = with_chosen(without_folders(self.config), chosen.config)
        files = {**chosen.files, **fixed_files(self.tool, self.config), **chosen.files}  # in the order of the work
        streamed = None if self.given is None else self.given.record()
        made = Made(reverie.__version__, torch.__version__, chosen.device, self._threads or torch.get_num_threads())
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
            place = labelled(path, output) if paths else path
            self.notes += [note for note in output.write(place, record, quality) if note not in self.notes]
            paths.append(place)
        return tuple(paths)

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
        """Check before long work that a picture with this job inside can be written there.

        Raises:
            InputError, OutputError: it cannot.
        """
        from reverie.media.write import check_writable

        if self.tool.makes == "picture":
            check_writable(path, self.record(self.stored_quality(quality)))

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


def with_threads(change: Mapping[str, Json]) -> Mapping[str, Json]:
    """Go on with another number of threads, as a run chose it between two of its units.

    Raises:
        InputError: no number of threads.
    """
    import torch

    number = change[THREADS]
    if type(number) is not int or not 1 <= number <= MOST_THREADS:
        raise InputError(f"a run goes on with 1 to {MOST_THREADS} threads; got {str(number)[:20]}")
    torch.set_num_threads(number)
    return change


def open_run(
    tool: AnyTool, config: object, given: Given | None, session: Session, *, controls: Controls | None = None,
    scratch: Path | None = None, like: Job | None = None,
) -> Run:  # fmt: skip
    """Prepare a tool and return the run on one input; files are read within the memory that its settings allow.

    Raises:
        InputError: settings, files or networks that cannot be used.
    """
    run = Run(tool, tool.prepare(config, session), config, given, controls=controls, scratch=scratch, like=like)
    if session.executor is not None:
        handed_out(run.work, session.executor, tool, config, given, seed_of(run.config), scratch)
    return run


def execute(run: Run, target: Path | None, watch: Watch, *, quality: int = 92, kept: Path | None = None) -> Ended:
    """Run to the end and write the results; a stop, and Ctrl-C, keep what there is under another name.

    Args:
        run: what runs.
        target: of the main result; None leaves it to the caller.
        watch: who looks on.
        quality: of lossy pictures.
        kept: where an unfinished result goes; NAME-stopped beside the target if absent.

    Raises:
        InputError, OutputError: it cannot be written.
    """
    watch.begin(run)
    told: list[str] = []
    clock = Clock()
    try:
        _tell(run, watch, told)
        for progress in run:
            fraction = run.fraction
            watch.show(progress, fraction, clock.left_s(progress, fraction))
            _tell(run, watch, told)
    except KeyboardInterrupt:
        if not (run.tool.live and run.last is not None):
            ended = _kept(run, target, quality, kept, "interrupted")
            _tell(run, watch, told)
            watch.end("interrupted", ended.text)
            return ended
    if run.stopped and not run.tool.live:
        ended = _kept(run, target, quality, kept, "stopped")
        _tell(run, watch, told)
        watch.end("stopped", ended.text)
        return ended
    paths = () if target is None else run.save(target, quality=quality)
    _tell(run, watch, told)
    text = summary(run)
    watch.end("done", text)
    return Ended("done", paths, text)


class Clock:
    """Tells how long a run has to go; one that goes on where an earlier one stopped counts from there."""

    def __init__(self) -> None:
        self._at, self._from = time.monotonic(), 0.0
        self._seen = False

    def left_s(self, progress: Progress, fraction: float | None) -> float | None:
        """Return the seconds to go after a step; None where nobody knows."""
        now = time.monotonic()
        if not self._seen and fraction is not None and progress.done > 1:
            self._at, self._from = now, fraction
        self._seen = True
        if fraction is None or fraction <= self._from:
            return None
        return (now - self._at) * (1 - fraction) / (fraction - self._from)


def summary(run: Run) -> str:
    """Return what was done in one line: size, steps, seconds, seed, network."""
    last, chosen = run.last, run.work.chosen
    parts = [run.work.plan.summary] if run.work.plan.summary else []
    if last is not None:
        unit = last.unit.removesuffix("s") if last.done == 1 else last.unit
        parts.append(f"{last.done} {unit}" + (f" in {run.seconds:.1f} s" if run.seconds >= SHOWN_S else ""))
    if has_field(run.config, "seed"):
        parts.append(f"seed {seed_of(run.config)}")
    if chosen.about or chosen.model is not None:
        parts.append(chosen.about or f"{chosen.model.name} on {chosen.device}")  # type: ignore[union-attr]
    return ", ".join(parts)


def kept_path(target: Path) -> Path:
    """Return the name under which a stopped result is kept; one that is still free."""
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        candidate = target.with_name(fitted(target.stem, f"-stopped{extra}{target.suffix}"))
        if not candidate.exists():
            return candidate
        number += 1


def for_format(outputs: Sequence[Output], path: Path) -> Sequence[Output]:
    """Return the results that a name asks for: all, or where the main one has no such format, the one that has."""
    suffix = path.suffix.lower()
    if not outputs or not outputs[0].suffixes or suffix in outputs[0].suffixes:
        return outputs
    return next(([output] for output in outputs if suffix in output.suffixes), outputs)


def labelled(path: Path, output: Output) -> Path:
    """Return the place of a result beside the main one; without a label it differs by its suffix alone."""
    suffix = output.suffixes[0] if output.suffixes else ""
    if not output.label:
        return path.with_suffix(suffix)
    return path.with_name(fitted(path.stem, f"-{output.label}{suffix}"))


def seed_of(config: object) -> int:
    """Return the seed of settings, wherever it stands in them; 0 where there is none."""
    for part in sections(config).values():
        seed = getattr(part, "seed", None)
        if isinstance(seed, int):
            return seed
    return 0


def setting_of(config: object, name: str) -> object:
    """Return the value of a field of settings, wherever it stands in them; None where there is none."""
    return next((getattr(part, name) for part in sections(config).values() if hasattr(part, name)), None)


def input_notes(config: object) -> list[str]:
    """Return what will be left out of the pictures that settings name, as their headers say."""
    from reverie.media.image import picture_notes

    paths = dict.fromkeys(Path(text) for role, text in named_files(config) if picture_role(config, role))
    return [note for path in paths if path.is_file() for note in picture_notes(path)]


def fixed_files(tool: AnyTool, config: object) -> dict[str, Input]:
    """Return the files that a job of these settings records besides its network."""
    return recorded_files(config, networks=tool.network is None)


def has_field(config: object, name: str) -> bool:
    """Tell whether settings have a field."""
    return any(hasattr(part, name) for part in sections(config).values())


def with_chosen(config: object, values: Mapping[str, Json]) -> object:
    """Return settings with what a work resolved itself; a list becomes the tuple that its field holds."""
    from reverie.jobs.tool import changed

    for name, value in values.items():
        config = changed(config, name, tuple(value) if isinstance(value, list) else value)
    return config


def called_as(job: Job, like: Job, kept: Sequence[str] = ()) -> Job:
    """Return a job with the file names of an earlier one of the same contents; for replays with renamed files.

    `kept` are further entries that are taken over.
    """
    config = job.config
    for part in sections(like.config).values():
        for field in dataclasses.fields(part):  # type: ignore[arg-type]
            value = getattr(part, field.name)
            if (field.metadata.get("file") or field.metadata.get("inside")) and not str(value).startswith(HELD):
                config = with_chosen(config, {field.name: value})
    streamed = job.streamed if like.streamed is None else like.streamed
    model = (
        job.model if like.model is None or job.model is None else dataclasses.replace(job.model, name=like.model.name)
    )
    more = {name: like.more.get(name, value) if name in kept else value for name, value in job.more.items()}
    return dataclasses.replace(job, config=config, streamed=streamed, model=model, files=like.files, more=more)


def _tell(run: Run, watch: Watch, told: list[str]) -> None:
    for note in run.said:
        if note not in told:
            told.append(note)
            watch.say(printable(note))


def _kept(run: Run, target: Path | None, quality: int, kept: Path | None, end: End) -> Ended:
    """Write the unfinished result at once, if there was a step."""
    if run.last is None or target is None or not run.last.done:
        return Ended(end, (), "before the first step; nothing was written" if target else "; nothing was written")
    place = kept or kept_path(target)
    total = f" of {run.last.total}" if run.last.total else ""
    where = f"at {run.last.unit.removesuffix('s')} {run.last.done}{total}"
    try:
        paths = run.save(place, quality=quality, unfinished=True)
    except (InputError, OutputError) as error:
        return Ended(end, (), f"{where}; what there was cannot be written: {error}")
    on = "" if run.scratch is None or not run.scratch.exists() else "; the same command goes on from there"
    if not paths:
        return Ended(end, (), f"{where}; there is nothing to show yet{on}")
    return Ended(end, paths, f"{where}; the unfinished result is '{place}'{on}")
