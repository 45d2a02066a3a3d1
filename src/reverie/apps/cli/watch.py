"""The terminal as a watch of runs: a bar while it works, one line when it ends, and its exit code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reverie.apps.cli.interrupts import ignore_interrupts
from reverie.apps.cli.output import print_note, print_path
from reverie.apps.cli.progress import Bar, bar
from reverie.jobs.interrupts import cause
from reverie.jobs.watch import Nobody, Watches

if TYPE_CHECKING:
    from reverie.jobs.execute import Ended
    from reverie.jobs.run import Run
    from reverie.jobs.tool import AnyTool
    from reverie.jobs.watch import End, Watch
    from reverie.jobs.work import Progress

CODES = {"done": 0, "stopped": 0, "interrupted": 130}


class Terminal:
    """Shows a run as a bar with its stage and the first score."""

    def __init__(self, line: Bar) -> None:
        self._line = line

    def begin(self, run: Run) -> None:
        """Say nothing yet."""

    def show(self, progress: Progress, fraction: float | None, eta_s: float | None) -> None:
        """Move the bar."""
        count = f"{progress.done}/{progress.total}" if progress.total else f"{progress.done} {progress.unit}"
        scores = "  ".join(f"{name} {value:.3g}" for name, value in progress.scores.items())
        note = "  ".join(part for part in (progress.stage or count, scores) if part)
        self._line.update(fraction or 0.0, note, eta_s)

    def say(self, line: str) -> None:
        """Print a lasting line above the bar."""
        self._line.say(line)

    def end(self, end: End, text: str) -> None:
        """Let no second Ctrl-C disturb what is being kept."""
        if end == "interrupted":
            ignore_interrupts()


@contextlib.contextmanager
def watching(tool: AnyTool, *, show: bool = False, host: str = "127.0.0.1", port: int = 0) -> Iterator[Watch]:
    """Give the watches of a command line: the terminal, and a page if it was asked for."""
    if not speaks():
        yield Nobody()
        return
    with contextlib.ExitStack() as stack:
        page: Watch = Nobody()
        if show:
            from reverie.apps.web.page import RunPage

            page = stack.enter_context(RunPage(host, port))
        yield Watches(Terminal(stack.enter_context(bar(tool.doing))), page)


def speaks() -> bool:
    """Tell whether this process shows its progress: of several that train one network, the first does."""
    return os.environ.get("RANK", "0") == "0"


def finish(ended: Ended) -> int:
    """Print how a run ended, results to standard output, and return the exit code."""
    if not speaks():
        return CODES[ended.end]
    if ended.end == "done":
        print_note(ended.text)
    else:
        by = f" by {cause()}" if ended.end == "interrupted" else ""
        print_note(f"reverie: stopped{by} {ended.text}")
    for path in ended.paths if ended.end != "interrupted" else ():
        print_path(path)
    return CODES[ended.end]
