"""Texts that users write: whole, bounded, from plain files alone; YAML without references, read by place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from reverie.errors import InputError, unknown_name

MOST_BYTES = 1 << 20
MOST_DEPTH = 20  # of lists and mappings in each other
MOST_SHOWN = 80  # characters of a value in a message
T = TypeVar("T")
SECONDS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|ms|min)?\s*")
UNITS = {"s": 1.0, "ms": 1e-3, "min": 60.0, None: 1.0}


def read_text(path: Path, what: str, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file in UTF-8.

    Args:
        path: the file.
        what: what it is, in words, such as "the keyframes".
        most_bytes: that such a text can have.

    Raises:
        InputError: missing, no plain file, too large, or no text.
    """
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            raise InputError(f"{what} '{path}' is {kind}; expected a text file")
        with path.open("rb") as file:
            blob = file.read(most_bytes + 1)
        if len(blob) > most_bytes:
            raise InputError(f"{what} '{path}' has more than {most_bytes:,} bytes, too many for such a text")
        return blob.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} '{path}' is not a text file in UTF-8") from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {what} '{path}': {getattr(error, 'strerror', None) or error}") from error


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses references and depth: both make little text stand for much."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="references (*name) are not read", problem_mark=mark)
        self.depth += 1
        if self.depth > MOST_DEPTH:
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem=f"lists and mappings lie over {MOST_DEPTH} deep", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def load_yaml(text: str, name: str) -> Any:
    """Return the values of a YAML text.

    Raises:
        InputError: no YAML, or one with references; the message names the line.
    """
    return _loaded(text, name, _Loader.get_single_data)


def compose_yaml(text: str, name: str) -> Any:
    """Return the nodes of a YAML text, which know their lines; None for an empty one.

    Raises:
        InputError: as `load_yaml`.
    """
    return _loaded(text, name, _Loader.get_single_node)


def short(value: object) -> str:
    """Return a value for a message, cut where it is long."""
    text = str(value) if isinstance(value, (str, int, float, bool)) and not _is_huge(value) else type(value).__name__
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _is_huge(value: object) -> bool:
    return isinstance(value, int) and value.bit_length() > 4 * MOST_SHOWN


def _loaded(text: str, name: str, read: Callable[[_Loader], T]) -> T:
    loader = None
    try:
        loader = _Loader(text)
        return read(loader)
    except yaml.MarkedYAMLError as error:
        line = 0 if error.problem_mark is None else error.problem_mark.line + 1
        raise InputError(f"'{name}' line {line}: not valid YAML, {error.problem}") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # dates that are none, long numbers
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"'{name}' is not valid YAML: {reason}") from error
    finally:
        if loader is not None:
            loader.dispose()


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
