"""The one protocol between a tool and whoever runs it: terminal, Python, live page, studio, worker, cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from reverie.jobs.job import Input, Json
from reverie.jobs.output import Output

if TYPE_CHECKING:
    from torch import Tensor

Preview = Callable[[], np.ndarray | None]
"""Gives ``[H, W, 3]`` float in [0, 1] or uint8, at any size; called by other threads, and only when somebody looks."""


class Progress(Protocol):
    """What a work says after each of its steps; each step may be the last that is asked for.

    Attributes:
        done: how many units are done.
        total: how many there will be; None where nobody knows, or until stopped.
        unit: what is counted, in the plural: "steps", "frames", "pictures".
        stage: where it stands, for people, such as "octave 2/4  512 x 384 px".
        scores: named numbers, such as the value of the objective.
        weight: how much of the plan's `weight` this step was.
        preview: see `Preview`; None where there is nothing to look at.
    """

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def scores(self) -> Mapping[str, float]: ...
    @property
    def weight(self) -> float: ...
    @property
    def preview(self) -> Preview | None: ...


@dataclass(frozen=True)
class Report:
    """`Progress` for tools that have no type of their own for it."""

    done: int
    total: int | None = None
    unit: str = "steps"
    stage: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    preview: Preview | None = None


@dataclass(frozen=True)
class Plan:
    """All decisions of a work, taken before its first step.

    Attributes:
        decisions: what ``--dry-run`` prints, as plain JSON.
        weight: sum of the weights of all steps, for the time left; None where it is not known.
        summary: the same for the last line, such as "768 x 512 px".
        suffixes: of the formats that the result can be written in, where they are fewer than its kind's.
        steerable: what `Work.control` takes: name → the values to offer, none for a number.
        because: why the formats are fewer, as in "a picture this large is written as .png".
    """

    decisions: Mapping[str, Json] = field(default_factory=dict)
    weight: float | None = None
    summary: str = ""
    suffixes: tuple[str, ...] = ()
    steerable: Mapping[str, Sequence[str]] = field(default_factory=dict)
    because: str = "a picture this large is written as"


@dataclass(frozen=True)
class Chosen:
    """What a work decided for itself and its record must say.

    Attributes:
        model: name and sha256 of the network.
        device: where it computes.
        files: fixed inputs by role, with name and sha256, where they are other than the settings' own fields say.
        config: settings as they were resolved: precision, tiles, a picked artwork.
        more: further entries of the record.
        about: the network and the machine in words, for the last line; by name and device if empty.
        counts: settings that count for less than was asked, and for how much; sheets say so below a tile.
    """

    model: Input | None = None
    device: str = "cpu"
    files: Mapping[str, Input] = field(default_factory=dict)
    config: Mapping[str, Json] = field(default_factory=dict)
    more: Mapping[str, Json] = field(default_factory=dict)
    about: str = ""
    counts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Where a work stands between two steps: tensors by name, and plain JSON."""

    tensors: Mapping[str, Tensor]
    about: Mapping[str, Json]


class Resumable(Protocol):
    """What a work has as `resumable` if another process can go on with it, to the same bytes."""

    def state(self) -> State | None:
        """Return where it stands; None where it cannot be gone on with from there. The tensors are not copies."""
        ...

    def go_on(self, state: State) -> None:
        """Stand there, before the first step.

        Raises:
            InputError: it is the state of another work; nothing has changed.
        """
        ...


def resumable(work: Work) -> Resumable | None:
    """Return what a work has to be gone on with; None where it has nothing."""
    return getattr(work, "resumable", None)


class Work(Protocol):
    """One thing being made. Whatever exists is usable: there is no begin."""

    @property
    def plan(self) -> Plan: ...

    @property
    def notes(self) -> Sequence[str]:
        """What was left out, rounded or reduced, one line each; may grow while it runs."""
        ...

    @property
    def chosen(self) -> Chosen: ...

    def __iter__(self) -> Iterator[Progress]:
        """Go on from where it stands; ends when it is done."""
        ...

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Apply a change of a steerable setting before the next step; return it as it is to be recorded.

        Raises:
            InputError: it cannot be steered so; nothing has changed.
        """
        ...

    def outputs(self) -> Sequence[Output]:
        """Return what there is now, the main result first; valid after any step."""
        ...

    def close(self) -> None:
        """Give back what it holds: files, memory, processes."""
        ...
