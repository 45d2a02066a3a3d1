"""A work from a generator: all that a tool of few lines needs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.output import Output
from reverie.jobs.spread import AnySpread
from reverie.jobs.work import Chosen, Plan, Progress, Resumable, Work


class Steps:
    """A `Work` whose steps a generator makes and whose results a function gives.

    Args:
        steps: yields `Progress` after each step.
        outputs: gives what there is now; called after any step.
        plan: see `Plan`.
        chosen: see `Chosen`.
        notes: lines for the user; the generator may append to the list.
        control: applies a change, see `Work.control`; without it nothing can be steered.
        closed: called at the very end, after the results are written, or after a failure.
        spread: see `reverie.jobs.spread`; the generator asks whether its parts are made elsewhere.
        resumable: see `reverie.jobs.work.Resumable`.
    """

    def __init__(
        self, steps: Iterator[Progress], outputs: Callable[[], Sequence[Output]], *, plan: Plan | None = None,
        chosen: Chosen | None = None, notes: list[str] | None = None,
        control: Callable[[Mapping[str, Json]], Mapping[str, Json]] | None = None,
        closed: Callable[[], None] = lambda: None, spread: AnySpread | None = None, resumable: Resumable | None = None,
    ) -> None:  # fmt: skip
        self.resumable = resumable
        self._steps, self._outputs, self._control, self._closed = steps, outputs, control, closed
        self.plan, self.chosen = plan or Plan(), chosen or Chosen()
        self.spread = spread
        self.notes: list[str] = [] if notes is None else notes

    def __iter__(self) -> Iterator[Progress]:
        return self._steps

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Apply a change; see `Work`."""
        if self._control is None:
            raise InputError("nothing of this can be changed while it runs")
        return self._control(change)

    def outputs(self) -> Sequence[Output]:
        """Return what there is now."""
        return self._outputs()

    def close(self) -> None:
        """End the generator, so that its ``finally`` blocks run."""
        if isinstance(self._steps, Generator):
            self._steps.close()
        self._closed()


@dataclass(frozen=True)
class Ready:
    """A `Prepared` whose work is there already, as a program has it that opened everything itself."""

    made: Work
    notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Work:
        """Return that work."""
        return self.made
