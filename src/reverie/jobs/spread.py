"""Parts of one work that do not know each other: frames, scenes, pictures of a sheet, batches of a collection.

A work that has a `Spread` makes its parts itself, one after the other. Where a session has an executor, they are handed
out: every worker opens the same work, makes the parts it is given and writes their files into a folder that all
machines share; the work puts them together as if it had made them itself. A part that is lost with its worker is made
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from reverie.errors import ReverieError
from reverie.jobs.batch import Item
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.tool import AnyTool
from reverie.jobs.worker import Do, Reports

if TYPE_CHECKING:
    from reverie.jobs.executor import Executor

U = TypeVar("U")  # says which part: a number, or the first and the last of several; of plain values
Make: TypeAlias = Callable[[U, Path], Sequence[str]]
"""Makes one part, writes its files into a folder, whole or not at all, and returns lines for the user."""


@dataclass(frozen=True)
class PartOpener(Generic[U]):
    """Opens a work again, in a worker that makes some of its parts; see `reverie.jobs.batch`.

    Attributes:
        find: gives the tool by name.
        tool: its name.
        config: its settings, with files from the root on.
        source: the streamed input.
        kind: its kind.
        seed: of the work.
        scratch: the work's own place beside its result.
        threads: of the worker.
        memory_bytes: of the worker.
    """

    find: Callable[[str], AnyTool]
    tool: str
    config: object
    source: Path | None
    kind: str
    seed: int
    scratch: Path
    threads: int
    memory_bytes: int | None

    def __call__(self) -> Do[Item[U]]:
        import torch

        torch.set_num_threads(self.threads)
        session, tool = Session(), self.find(self.tool)
        session.memory_bytes = self.memory_bytes
        given = None if self.source is None else Given(self.source, kind=self.kind)
        work = tool.prepare(self.config, session).work(given, self.seed, scratch=self.scratch)
        if not isinstance(work, Spreading) or work.spread is None:
            raise ReverieError(f"reverie {self.tool} has no parts here")
        return _Maker(work.spread)


@dataclass(frozen=True)
class _Maker(Generic[U]):
    spread: Spread[U]

    def __call__(self, item: Item[U]) -> Reports:
        yield 0.0, ""
        return "\n".join(self.spread.make(item.payload, item.target.parent))


class Spread(Generic[U]):
    """The parts of one work.

    Args:
        make: see `Make`.
    """

    def __init__(self, make: Make[U]) -> None:
        self.make = make
        self._executor: Executor | None = None
        self._opener: PartOpener[U] | None = None

    def hand_out(self, executor: Executor, opener: PartOpener[U]) -> None:
        """Have the parts made elsewhere from now on."""
        self._executor, self._opener = executor, opener

    @property
    def elsewhere(self) -> bool:
        """Whether they are made elsewhere."""
        return self._executor is not None

    @property
    def workers(self) -> int:
        """How many are made at once."""
        return 1 if self._executor is None else self._executor.workers

    def made(self, units: Sequence[U], folder: Path) -> Iterator[tuple[U, Sequence[str]]]:
        """Have these made and yield each with its lines, in the order in which they are done.

        Raises:
            ReverieError: one cannot be made.
        """
        from reverie.jobs.executor import settled_items

        assert self._executor is not None and self._opener is not None
        place = folder.absolute()
        items = [Item(f"part {number}", None, place / f"part-{number}", unit) for number, unit in enumerate(units)]
        with closing(settled_items(self._executor, items, self._opener)) as outcomes:
            for outcome in outcomes:
                yield outcome.job.payload, outcome.message.splitlines()


@runtime_checkable
class Spreading(Protocol):
    """A work that may have parts; who hands them out need not know how they are numbered."""

    @property
    def spread(self) -> AnySpread | None: ...


AnySpread: TypeAlias = "Spread[Any]"  # found in another process by the name of its tool; typed where it is made


def handed_out(
    work: object, executor: Executor, tool: AnyTool, config: object, given: Given | None, seed: int,
    scratch: Path | None,
) -> None:  # fmt: skip
    """Hand the parts of a work out, if it has some and other machines can find what they need."""
    from reverie.jobs.executor import absolute

    if scratch is None or not isinstance(work, Spreading) or work.spread is None:
        return
    if given is not None and given.path is None:
        return
    source = None if given is None or given.path is None else given.path.resolve()
    work.spread.hand_out(executor, PartOpener(
        executor.find, tool.name, absolute(config), source, "" if given is None else given.kind, seed,
        scratch.absolute(), executor.threads, executor.memory_bytes,
    ))  # fmt: skip


def ranges(count: int, workers: int, most: int) -> list[tuple[int, int]]:
    """Return first and end of runs of consecutive numbers: about four for each worker, none longer than `most`."""
    length = max(1, min(most, -(-count // (4 * workers))))
    return [(first, min(first + length, count)) for first in range(0, count, length)]
