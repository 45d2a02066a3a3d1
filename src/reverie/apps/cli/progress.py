"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from reverie.errors import printable

LINE_EVERY_S = 10.0  # without a terminal


class Eta(ProgressColumn):
    """Time left, as given by the work itself."""

    def render(self, task: Task) -> Text:
        seconds = task.fields.get("eta_s")
        return Text("" if seconds is None or seconds != seconds else f"{duration(seconds)} left", style="cyan")


class Bar:
    """One line of progress; `update` takes the share done in [0, 1] and a short text, which may hold names of files."""

    def __init__(self, progress: Progress | None, title: str) -> None:
        self._progress, self._title = progress, title
        self._task = None if progress is None else progress.add_task(title, total=1.0, note="", eta_s=None)
        self._line_at = time.monotonic()

    def update(self, share: float, note: str, eta_s: float | None = None) -> None:
        note = printable(note)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=share, note=note, eta_s=eta_s)
        elif time.monotonic() - self._line_at > LINE_EVERY_S:
            self._line_at = time.monotonic()
            left = "" if eta_s is None or eta_s != eta_s else f"  {duration(eta_s)} left"
            print(f"{self._title} {share:4.0%}  {note}{left}", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Print a lasting line above the bar."""
        text = printable(text)
        if self._progress is not None:
            self._progress.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)


@contextmanager
def bar(title: str) -> Iterator[Bar]:
    """Show progress while the context lasts."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Bar(None, title)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(28), TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[note]}", style="dim", markup=False), TimeElapsedColumn(), Eta(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress, title)


def duration(seconds: float) -> str:
    """Return a time for people: ``42 s``, ``3:07``, ``2:05:09``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
