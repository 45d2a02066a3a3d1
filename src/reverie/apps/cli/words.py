"""What is read from a command line before any command: ``help``, ``-V``, ``--quiet``, ``--help-all``."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from typing import TextIO

from reverie.tools.registry import ALIASES, TOOLS

HELP = ("--help", "-h", "--help-all")
QUIET = ("--quiet", "-q")


def as_help(tokens: list[str]) -> list[str]:
    """Return ``help dream`` and ``dream help`` as ``dream --help``; ``-V`` and ``version`` as ``--version``."""
    if tokens[:1] in (["-V"], ["version"]):
        return ["--version"]
    if tokens[:1] == ["help"]:
        return [*tokens[1:], "--help"]
    if tokens[1:] == ["--help-all"] and named_tool(tokens) is None:  # of a group of commands, which has no more to show
        return [tokens[0], "--help"]
    return [*tokens[:-1], "--help"] if len(tokens) in (2, 3) and tokens[-1] == "help" else tokens


def asked_help(tokens: list[str]) -> tuple[str, bool] | None:
    """Return the tool whose help is asked for, and whether all of it; None where it is no tool's help."""
    if not any(token in HELP for token in tokens):
        return None
    name = named_tool(tokens)
    return None if name is None else (name, "--help-all" in tokens)


def named_tool(tokens: list[str]) -> str | None:
    """Return the tool that a command line begins with, however it spells it: by two words, joined, or an older name."""
    for name in (" ".join(tokens[:2]), *tokens[:1]):
        spaced = name.replace("-", " ")
        found = next((known for known in (name, ALIASES.get(name), spaced) if known in TOOLS), None)
        if found is not None:
            return found
    return None


class OnlyErrors:
    """Standard error that lets through whole lines of errors, which begin with "reverie:", and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._line = stream, ""

    def write(self, text: str) -> int:
        """Keep the text until its line is whole."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line.startswith("reverie:"):
                self._stream.write(line + "\n")
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Return False, so that nobody draws a bar."""
        return False

    @property
    def encoding(self) -> str:
        """The encoding of the stream behind."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Return that of the stream behind."""
        return self._stream.fileno()


def loudness(tokens: list[str]) -> tuple[list[str], contextlib.AbstractContextManager[None]]:
    """Return the tokens without ``--quiet``, and what to run the command within."""
    following = dict(itertools.pairwise(tokens))
    quiet = {token for token in QUIET if token in tokens and not following.get(token, "").isdecimal()}
    if quiet:  # `-q 80` is other programs' quality
        return [token for token in tokens if token not in quiet], _quietly()
    return tokens, contextlib.nullcontext()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    with contextlib.redirect_stderr(OnlyErrors(sys.stderr)):
        yield
