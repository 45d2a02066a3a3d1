"""Who looks on while a job runs: a terminal's bar, a page, a worker's pipe, nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from reverie.jobs.work import Progress

if TYPE_CHECKING:
    from reverie.jobs.run import Run

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
