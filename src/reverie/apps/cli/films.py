"""Films in a list of pictures: each is made by the tool for films, with its own progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reverie.apps.cli.tally import Tally
from reverie.data.sources import Source
from reverie.errors import OutputError, ReverieError


def make_films(pairs: Sequence[tuple[Source, Path]], tally: Tally, make: Callable[[Path, Path], int]) -> None:
    """Make the films of a list, one after the other; `make` returns an exit code."""
    for source, target in pairs:
        try:
            _make_folder(target)
            before = _stamp(target)
            code = make(source.path, target)
        except ReverieError as error:
            tally.fail(source.name, str(error), error.exit_code)
            continue
        if code == 130:
            raise KeyboardInterrupt
        if code:
            tally.fail(source.name, "the film was not finished", code)
        elif before is not None and _stamp(target) == before:
            tally.skipped += 1  # it said so and named it
        else:
            tally.made += 1


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is replaced; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _make_folder(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder '{target.parent}': {error.strerror or error}") from error
