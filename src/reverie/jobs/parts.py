"""Several results of one command: each a job of its own, with its own name, made and skipped by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from reverie.jobs.job import Json

C = TypeVar("C", covariant=True)


def _nothing(path: Path) -> None:
    """Take no note."""


@dataclass(frozen=True)
class Part(Generic[C]):
    """One result.

    Attributes:
        name: of its file in a folder.
        config: its settings.
        decides: entries of its record that tell alone whether it is there already, where its settings do not: those
            of a search hold what was found, not what was looked for.
        tool: its name in the registry, where it is another than that of the command.
        seen: told where the result lies once it is made, or found.
    """

    name: str
    config: C
    decides: Mapping[str, Json] = field(default_factory=dict)
    tool: str | None = None
    seen: Callable[[Path], None] = _nothing


@dataclass(frozen=True)
class Parts(Generic[C]):
    """All results of one command.

    Attributes:
        stem: what the name of their folder, or of the only one, begins with.
        each: the results, in order.
        sheet: one more of all of them, where there are several; alone if a file is asked for.
    """

    stem: str
    each: Sequence[Part[C]]
    sheet: Part[C] | None = None
