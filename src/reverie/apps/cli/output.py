"""Standard output that may be a pipe whose reader leaves, or a file on a full disk."""

from __future__ import annotations

import os
import sys

from rich.console import Console


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
