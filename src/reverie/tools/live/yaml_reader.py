"""Small YAML files of a user, read with messages that name the place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from reverie.errors import InputError, unknown_name
from reverie.jobs.plain_text import load_yaml, read_text

__all__ = ["Place", "parse_tree", "read_text"]

SECONDS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|ms|min)?\s*")
UNITS = {"s": 1.0, "ms": 1e-3, "min": 60.0, None: 1.0}


def parse_tree(text: str, name: str, known: Sequence[str]) -> dict[str, Any]:
    """Return the entries of a YAML text whose top level has these names.

    Raises:
        InputError: not YAML, or another entry.
    """
    return Place(name).entries(load_yaml(text, name) or {}, known)


class Place:
    """A place in a file, for messages."""

    def __init__(self, where: str) -> None:
        self.where = where

    def at(self, inner: str) -> Place:
        """Return a place inside."""
        return Place(f"{self.where}, {inner}")

    def error(self, words: str) -> InputError:
        """Return the error of this place."""
        return InputError(f"{self.where}: {words}")

    def entries(self, item: object, known: Sequence[str] | None = None) -> dict[str, Any]:
        """Return entries by name; only known ones, if they are given."""
        if not isinstance(item, Mapping):
            raise self.error("expected entries by name")
        for word in item:
            if known is not None and word not in known:
                raise self.error(unknown_name("entry", str(word), tuple(known)))
        return {str(key): value for key, value in item.items()}

    def number(self, item: object, low: float = -1e6, high: float = 1e6) -> float:
        """Return a number within bounds."""
        if isinstance(item, bool) or not isinstance(item, (int, float)) or not math.isfinite(item):
            raise self.error(f"expected a number; got {item!r}"[:120])
        if not low <= item <= high:
            raise self.error(f"must be between {low:g} and {high:g}; got {item:g}")
        return float(item)

    def seconds(self, item: object) -> float:
        """Return a time such as 2s, 500ms or 1min."""
        match = SECONDS.fullmatch(str(item))
        if match is None or isinstance(item, bool):
            raise self.error(f"a time is written as 2s, 500ms or 1min; got '{str(item)[:40]}'")
        return float(match[1]) * UNITS[match[2]]

    def text(self, item: object) -> str:
        """Return a short text."""
        if not isinstance(item, str) or not 0 < len(item) <= 200:
            raise self.error(f"expected a short text; got {item!r}"[:120])
        return item

    def listed(self, item: object) -> list[Any]:
        """Return a list, or one thing as a list."""
        return list(item) if isinstance(item, list) else [item]
