"""`reverie watch IN/ OUT/ --job JOB`: every file that is put into a folder becomes a result in another."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from reverie.apps.cli.output import print_note, print_path
from reverie.apps.cli.pipes import as_given
from reverie.errors import InputError, ReverieError
from reverie.jobs.tool import AnyTool

if TYPE_CHECKING:
    from reverie.jobs.job import Job
    from reverie.jobs.session import Session
    from reverie.jobs.tool import Prepared

LOOK_S = 0.5
QUIET_S = 1.0  # without a change, after which a file counts as written


def watch_command(
    source: Annotated[str, Parameter(help="Folder that files are put into.")],
    target: Annotated[str, Parameter(help="Folder for the results.")],
    /,
    *,
    job: Annotated[str, Parameter(help="A job as JSON, or any result of Reverie, whose settings are used.")],
    file_format: Annotated[str, Parameter(name="--format", help="Format of the results, such as jpg.")] = "",
    once: Annotated[bool, Parameter(negative="", help="End when every file that is there now is done.")] = False,
) -> int:
    """Make a result of every file that is put into a folder; half-written ones are waited for."""
    from reverie.jobs.job import parse
    from reverie.jobs.queue.adding import read_job
    from reverie.tools.registry import find_tool

    folder, out = Path(as_given(source)), Path(as_given(target))
    if not folder.is_dir():
        raise InputError(f"there is no folder '{source}'")
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() == folder.resolve():
        raise InputError("results would be taken for new files; name another folder for them")
    text = as_given(job)
    wanted = parse(read_job(text), find_tool, f"the settings of '{text}'")
    follower = Follower(find_tool, wanted, Path(text), out, file_format)
    print(f"watching {folder}; Ctrl-C ends it", file=sys.stderr)
    for path in arriving(folder, once=once):
        follower.make(path)
    return 1 if follower.failed else 0


class Follower:
    """Makes results with what was prepared once.

    Args:
        find: gives a tool by name.
        job: whose settings are used.
        made: the file that the job was found in; files that it names are looked for beside it.
        out: folder of the results.
        file_format: of the results; the tool's own if absent.
    """

    def __init__(self, find: Callable[[str], AnyTool], job: Job, made: Path, out: Path, file_format: str) -> None:
        from reverie.jobs.files import Files, found_config
        from reverie.jobs.session import Session

        self.find, self.out, self.failed = find, out, 0
        self.tool = find(job.tool)
        if self.tool.streamed is None:
            raise InputError(f"reverie {job.tool} is not applied to files")
        self.config = found_config(job, Files(made))
        self.suffix = f".{file_format.lower().lstrip('.')}" if file_format else self.tool.suffix
        self.quality = job.quality or 92
        self._session: Session = Session()
        self._prepared: Prepared | None = None

    def make(self, path: Path) -> None:
        """Make the result of one file, or say in one line why not."""
        try:
            self._make(path)
        except ReverieError as error:
            self.failed += 1
            print_note(f"{path.name}: {error}")

    def _make(self, path: Path) -> None:
        from reverie.apps.cli.watch import watching
        from reverie.jobs.execute import execute
        from reverie.jobs.given import Given
        from reverie.jobs.many import scratch_of
        from reverie.jobs.run import Run
        from reverie.jobs.wanted import target_for

        given = Given(path, kind=self.tool.streamed.kind if self.tool.streamed else "picture")
        stem = f"{path.stem}-{self.tool.ending}" if self.tool.ending else path.stem
        quality = self.quality if self.tool.makes == "picture" else None
        wanted = self.out / f"{stem}{self.suffix}"
        target = target_for(self.tool, self.find, self.config, given, wanted, quality=quality)
        if target.finished:
            return
        config, prepared = self._opened(given.name)
        run = Run(self.tool, prepared, config, given, scratch=scratch_of(target.path, self.tool))
        try:
            with watching(self.tool) as watch:
                ended = execute(run, target.path, watch, quality=self.quality)
        finally:
            run.close()
        for made in ended.paths:
            print_path(made)
        if ended.end == "interrupted":
            raise KeyboardInterrupt

    def _opened(self, name: str) -> tuple[object, Prepared]:
        """Return settings and tool; prepared once, but for tools whose settings depend on the file."""
        if self.tool.settle is not None:
            config = self.tool.settle(self.config, name)
            return config, self.tool.prepare(config, self._session)
        if self._prepared is None:
            self._prepared = self.tool.prepare(self.config, self._session)
        return self.config, self._prepared


def arriving(folder: Path, *, once: bool = False) -> Iterator[Path]:
    """Yield files as they come to rest: of the same size and time at two looks, and quiet for a moment.

    A file that changes later is yielded again. With `once`, end when all that are there have been.
    """
    from reverie.media.suffixes import KINDS

    seen: dict[Path, tuple[int, int]] = {}
    done: dict[Path, tuple[int, int]] = {}
    while True:
        busy = False
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.suffix.lower() not in KINDS:
                continue
            try:
                status = path.stat()
            except OSError:  # moved away between two looks
                continue
            mark = (status.st_size, status.st_mtime_ns)
            if done.get(path) == mark:
                continue
            quiet = time.time() - status.st_mtime >= QUIET_S or status.st_mtime > time.time() + QUIET_S
            if seen.get(path) == mark and quiet and (status.st_size or once):
                done[path] = mark
                yield path
            else:
                busy = True
            seen[path] = mark
        if once and not busy:
            return
        time.sleep(LOOK_S)
