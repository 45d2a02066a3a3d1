"""Who works through items: processes of this machine, or an engine that has many machines.

A session may hold one. A work whose parts do not know each other (frames, tiles of a sheet, shards of a collection)
hands them to it; without one it makes them itself. What travels is names, numbers and paths on storage that all
machines share, never a picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from reverie.critic.tile_workers import TileWorkers
from reverie.errors import ReverieError
from reverie.jobs.batch import Item, Moment, Opener, Outcome
from reverie.jobs.files import names_code, with_parts, with_paths
from reverie.jobs.job import sections
from reverie.jobs.tool import AnyTool
from reverie.settings import fields_of

P = TypeVar("P")


class Executor(Protocol):
    """Works through items.

    Attributes:
        find: gives a tool by its name; a function of a module, since its name travels to the workers.
        threads: of every worker; the same number as in one process gives the same bytes.
        workers: how many work at once, as far as that is known now.
        memory_bytes: what a worker may use; None where it is alone on its machine.
    """

    find: Callable[[str], AnyTool]

    @property
    def threads(self) -> int: ...
    @property
    def workers(self) -> int: ...
    @property
    def memory_bytes(self) -> int | None: ...

    def tile_workers(self) -> TileWorkers | None:
        """Return what shares the tiles of one picture among machines; None for engines that cannot."""
        ...

    def close(self) -> None:
        """Give back what `tile_workers` holds on other machines; it comes again when it is asked for."""
        ...

    def run(self, items: Sequence[Item[P]], opener: Opener[P]) -> Generator[Moment[P] | Outcome[P]]:
        """Yield what happens until every item has its outcome; closing the generator ends all work.

        Args:
            items: in the order in which they are begun; their paths are absolute.
            opener: called once in every worker; see `reverie.jobs.batch`.

        Raises:
            ReverieError: the opener failed, or workers keep dying.
        """
        ...


def settled_items(executor: Executor, items: Sequence[Item[P]], opener: Opener[P]) -> Generator[Outcome[P]]:
    """Yield the outcome of every part of one work, in the order in which they come.

    Raises:
        ReverieError: one failed; the work cannot be done without it.
    """
    events = executor.run(items, opener)
    try:
        for event in events:
            if isinstance(event, Outcome):
                if event.state == "failed":
                    error = ReverieError(event.message)
                    error.exit_code = event.exit_code
                    raise error
                yield event
    finally:
        events.close()


def absolute(config: object) -> object:
    """Return settings whose files are named from the root on, for workers that stand in other folders.

    Records hold bare names, so a result has the same bytes.
    """
    return with_parts(config, {name: _absolute(part) for name, part in sections(config).items()})


def _absolute(part: object) -> object:
    changed: dict[str, object] = {}
    for field in fields_of(part):
        value = getattr(part, field.name)
        if field.metadata.get("runs_code") and names_code(value):
            path, colon, name = str(value).rpartition(":")
            changed[field.name] = f"{_from_root('', path)}{colon}{name}"
    return with_paths(dataclasses.replace(part, **changed), _from_root)  # type: ignore[type-var]


def _from_root(role: str, path: str) -> str:
    """Return where a file lies; a name that is no file here, such as that of a network, stays."""
    return str(Path(path).resolve()) if "://" not in path and Path(path).exists() else path
