"""Files with a weight in one text: ``FILE`` or ``FILE:WEIGHT``; free of torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reverie.errors import InputError

MOST_WEIGHT = 1e6


def in_weighted(text: str, rename: Callable[[str, str], str]) -> str:
    """Return ``FILE`` or ``FILE:WEIGHT`` with its file replaced."""
    name, weight = _parts(text)
    return rename("", name) + weight


def split_weight(text: str) -> tuple[Path, float]:
    """Return path and weight of ``FILE:WEIGHT``; a file of that whole name, or a colon before no number, is a path.

    Raises:
        InputError: a weight that is not finite.
    """
    name, weight = _parts(text)
    value = float(weight[1:]) if weight else 1.0
    if not -MOST_WEIGHT <= value <= MOST_WEIGHT:
        raise InputError(f"the weight of a style must be a finite number; got '{text}'")
    return Path(name), value


def _parts(text: str) -> tuple[str, str]:
    """Return the file and ``:WEIGHT``, or nothing for it."""
    name, colon, weight = text.rpartition(":")
    if not name or Path(text).exists():
        return text, ""
    try:
        float(weight)
    except ValueError:
        return text, ""
    return name, colon + weight
