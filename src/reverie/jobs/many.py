"""Many inputs, one tool: `batch(tool)`. A worker prepares once and works many times; see `reverie.jobs.batch`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reverie.jobs.batch import Item
from reverie.jobs.execute import summary
from reverie.jobs.given import Given
from reverie.jobs.output import Printable
from reverie.jobs.run import Run
from reverie.jobs.session import Session
from reverie.jobs.tool import AnyTool, Prepared
from reverie.jobs.values import with_chosen
from reverie.jobs.worker import Reports
from reverie.threads import Machine
from reverie.weights.file_names import fitted


@dataclass(frozen=True)
class Asked:
    """What a worker must know of one input besides its place: its seed, the quality of its result, its kind."""

    seed: int
    quality: int
    kind: str = "picture"
    pixels: int = 0


@dataclass(frozen=True)
class Opener:
    """Opens a tool in a worker; called there once, so an error that concerns every input comes once.

    Attributes:
        find: gives the tool, from its name; a function of a module, since it travels to the worker.
        tool: its name.
        config: the settings.
        threads: of the worker; None leaves them.
        memory_bytes: its share of the memory; see `Session`.
    """

    find: Callable[[str], AnyTool]
    tool: str
    config: object
    threads: int | None
    memory_bytes: int | None = None

    def __call__(self) -> Many:
        if self.threads is not None:
            import torch

            torch.set_num_threads(self.threads)
        session, tool = Session(), self.find(self.tool)
        session.memory_bytes = self.memory_bytes
        prepared = tool.prepare(self.config, session)
        session.measure()
        import torch

        return Many(tool, prepared, self.config, Machine(self.threads or torch.get_num_threads()))


@dataclass(frozen=True)
class Many:
    """Works on one input after the other with what was prepared once."""

    tool: AnyTool
    prepared: Prepared
    config: object
    machine: Machine | None = None

    def __call__(self, job: Item[Asked]) -> Reports:
        self._choose_threads()
        asked = job.payload
        config = with_chosen(self.config, {"seed": asked.seed})
        given = None if job.source is None else Given(Path(job.source), kind=asked.kind)
        with closing(Run(self.tool, self.prepared, config, given, scratch=scratch_of(job.target, self.tool))) as run:
            run.check(job.target)
            for progress in run:
                yield run.fraction or 0.0, progress.stage
            run.save(job.target, quality=asked.quality)
            return "\n".join((summary(run), *run.said, *_printed(run)))

    def _choose_threads(self) -> None:
        """Begin a piece with as many threads as fit the machine now; its own record says how many."""
        if self.machine is None or not self.machine.mine:
            return
        import torch

        threads, _ = self.machine.threads(torch.get_num_threads())
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)


def _printed(run: Run) -> list[str]:
    """Return the lines of a result that is read in the terminal."""
    if not run.tool.prints_by(run.config):
        return []
    main = run.outputs()[0]
    assert isinstance(main, Printable)
    return main.printed(as_json=False).splitlines()


def continue_in(scratch: Path, result: Path) -> None:
    """Let a work find in its scratch folder what a result holds that it goes on with; costs no room where it can."""
    import shutil

    def placed(source: str, target: str) -> None:
        if not Path(target).exists():
            try:
                Path(target).hardlink_to(source)
            except OSError:
                shutil.copy2(source, target)

    shutil.copytree(result, scratch, copy_function=placed, dirs_exist_ok=True)


def scratch_of(target: Path, tool: AnyTool | None = None) -> Path:
    """Return the place of a work's own files beside its result."""
    if tool is not None and tool.scratch is not None:
        return tool.scratch(target)
    return target.with_name(fitted(target.stem, f"{target.suffix}.frames"))  # the suffix says what film it will be
