"""Standard output that may be a pipe whose reader leaves, or a file on a full disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from rich.console import Console

from reverie.errors import printable


class PipeConsole(Console):
    """A console on standard output that leaves a closed pipe to `main`, which ends quietly."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def close_output() -> str | None:
    """Write out what is left at the end of a command; return what the user must know if that fails.

    A closed pipe is no failure. Either way nothing is left that the interpreter would stumble over when it exits.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return None if isinstance(error, BrokenPipeError) else f"cannot write the output: {error.strerror or error}"
    return None


def print_path(path: Path) -> None:
    """Print the place of a result: in its own bytes for programs, without what a terminal would obey for people."""
    try:
        print(printable(str(path)) if sys.stdout.isatty() else path, flush=True)
    except UnicodeEncodeError:  # no text
        sys.stdout.buffer.write(os.fsencode(path) + b"\n")
        sys.stdout.buffer.flush()


def print_lines(text: str, where: TextIO | None = None) -> None:
    """Print lines for people, on standard output if nothing else is said, without what a terminal would obey."""
    for line in text.split("\n"):
        print(printable(line), file=where or sys.stdout)


def print_note(text: str) -> None:
    """Print a line for people, without what a terminal would obey."""
    print(printable(text), file=sys.stderr)
