"""Results of earlier runs among the inputs of a run: what the same command made of others there is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.given import sha256_of
from reverie.jobs.stored import stored_record

NAMED = 3  # files in the note


def earlier_results(paths: Sequence[Path], tool: str, command_of: Callable[[str], str]) -> list[Path]:
    """Return the files that the command of a tool made of others among them, told by the jobs inside.

    What was made of something that is not among them stays: whoever dreams a folder of dreams means those.

    Args:
        paths: all inputs.
        tool: which is to be applied to them.
        command_of: gives the command that makes what a stored name makes; films and sheets have the one of pictures.
    """
    sources = {path: _made_of(path, command_of(tool), command_of) for path in paths}
    if not any(sources.values()):
        return []
    there = {digest for path in paths if (digest := _digest(path)) is not None}
    return [path for path, source in sources.items() if source in there]


def earlier_note(found: Sequence[Path]) -> str:
    """Return the line that says what was left out."""
    few = ", ".join(f"'{path.name}'" for path in found[:NAMED]) + (" ..." if len(found) > NAMED else "")
    what = "an earlier result" if len(found) == 1 else f"{len(found)} earlier results"
    return f"left out {what} of this command, made from others here: {few}; name one alone to use it"


def _made_of(path: Path, command: str, command_of: Callable[[str], str]) -> str | None:
    """Return the sha256 of what a file was made of, if that command made it."""
    with suppress(InputError):
        record = stored_record(path)
        tool, source = record.get("tool"), record.get("input")
        if isinstance(tool, str) and command_of(tool) == command and isinstance(source, dict):
            digest = source.get("sha256")
            return digest if isinstance(digest, str) else None
    return None


def _digest(path: Path) -> str | None:
    with suppress(InputError):
        return sha256_of(path)
    return None
