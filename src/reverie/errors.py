"""Every error a user can cause, in one tree.

A message says what was given, what was expected, the nearest valid names and the next step, in one line.
The command line prints it and exits with `exit_code`; library callers catch `ReverieError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 1500  # characters of a message; what is longer repeats what somebody put into a file


def printable(text: str) -> str:
    """Return a text for terminals and pages: one line, and nothing in it that a terminal would obey.

    Names of files, layers and settings come from strangers and may hold escape codes, or half a surrogate pair.
    """
    if text.isprintable():
        return text
    joined = " ".join(text.split("\n"))
    return "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in joined)


class ReverieError(Exception):
    """Something failed that was not the user's input (exit code 1)."""

    exit_code = 1

    def __str__(self) -> str:
        text = printable(super().__str__())
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class InputError(ReverieError):
    """The user gave something that cannot be used (exit code 2)."""

    exit_code = 2


class PictureError(InputError):
    """A picture is missing, broken, too large or too small."""


class VideoError(InputError):
    """A video or animation is missing, broken, without frames or too large."""


class MeshError(InputError):
    """A mesh is missing, broken, without faces or too large."""


class WeightsError(InputError):
    """A file of weights is missing, broken, unsafe or of another kind."""


class LayerError(InputError):
    """A layer, channel or class does not exist in this network."""


class DataError(InputError):
    """A folder of pictures cannot be used for training or evaluation."""


class JobError(InputError):
    """A stored or posted job cannot be read, or names a tool that does not exist."""


class OutputError(ReverieError):
    """A result cannot be written: no permission, no folder, no space."""


class OfflineError(ReverieError):
    """A download was asked for and the network or the server did not deliver it."""


class GradientError(ReverieError):
    """No gradient reaches the picture: zero everywhere, or not a number."""


def unknown_name(what: str, given: str, known: Iterable[str], hint: str = "") -> str:
    """Return one line naming the mistake and the nearest valid names."""
    names = list(known)
    lowered = {name.lower(): name for name in names}
    close = [lowered[n] for n in difflib.get_close_matches(given.lower(), lowered, n=4, cutoff=0.4)]
    close += [n for n in names if given and given.lower() in n.lower() and n not in close][:3]
    if close:
        tail = f"nearest: {', '.join(close[:5])}"
    elif len(names) <= 12:
        tail = f"known: {', '.join(names)}"
    else:
        tail = f"known: {', '.join(names[:8])} and {len(names) - 8} more"
    return f"no {what} called '{given}'; {tail}{'; ' + hint if hint else ''}"
