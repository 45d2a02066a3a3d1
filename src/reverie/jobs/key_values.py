"""Texts of the command line that hold several values: ``mask=sky.png,layer=mixed4c,strength=1``, one parser for all.

A frozen dataclass says which keys there are: every field is an `entry`. Records hold the same texts, so what is written
is read back. Free of torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from reverie.errors import InputError, unknown_name
from reverie.media.suffixes import PICTURES

KEY_LIKE = re.compile(r",\s*([a-z-]+)\s*=", re.IGNORECASE)
Read = Callable[[str, str], object]

T = TypeVar("T")


def entry(default: T, *, key: str = "", read: Read | None = None, file: str = "", always: bool = False) -> T:
    """Declare one key.

    Args:
        default: its value where it is absent.
        key: how it is written, if not as the field is called.
        read: gets key and text and returns the value, or raises `InputError`; the text itself if absent.
        file: what the file that it names is for; several of one key are numbered.
        always: written even where it has its default.
    """
    facts = {"key": key, "read": read or (lambda _, text: text), "file": file, "always": always}
    return dataclasses.field(default=default, metadata=facts)


@dataclasses.dataclass(frozen=True)
class KeyValues:
    """Base of what such a text says.

    Attributes:
        option: that takes such texts.
        example: one that can be read.
        several: what can be joined by ``+`` in place of a second key.
    """

    option: ClassVar[str]
    example: ClassVar[str]
    several: ClassVar[str] = "several"

    def check(self) -> None:
        """Refuse values that contradict each other.

        Raises:
            InputError: says which.
        """

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a text says.

        Raises:
            InputError: an unknown or repeated key, a value of the wrong kind, or values that contradict each other.
        """
        keys, option = keys_of(cls), cls.option
        between = re.compile(r",(?=\s*(?:" + "|".join(keys) + r")\s*=)")  # a comma inside a file name is no border
        values: dict[str, Any] = {}
        for word in between.split(text):
            key, equals, value = (part.strip() for part in word.partition("="))
            if not equals or not value:
                raise InputError(f"{option} must look like {cls.example}; '{word.strip()}' in it does not")
            if key not in keys:
                raise InputError(f"{option} '{text}': {unknown_name('key', key, keys)}")
            field = keys[key]
            if field.name in values:
                raise InputError(f"{option} '{text}': '{key}' is there twice; join {cls.several} by +")
            cls._check_misspelt(value, text)
            try:
                values[field.name] = field.metadata["read"](key, value)
            except InputError as error:
                raise InputError(f"{option}: {error}") from error
        found = cls(**values)
        try:
            found.check()
        except InputError as error:
            raise InputError(f"{option} '{text}': {error}") from error
        return found

    @classmethod
    def _check_misspelt(cls, value: str, text: str) -> None:
        """Refuse a value that goes on with what looks like another key, instead of taking it for part of a name."""
        for word in KEY_LIKE.findall(value):
            if difflib.get_close_matches(word.lower(), keys_of(cls), 1, 0.7) or not _is_picture(value):
                raise InputError(f"{cls.option} '{text}': {unknown_name('key', word, keys_of(cls))}")

    def with_files(self, rename: Callable[[str, str], str]) -> Self:
        """Return the same with its file names replaced; `rename` gets what a file is for and what is there now."""
        named = [field for field in dataclasses.fields(self) if field.metadata["file"] and getattr(self, field.name)]
        changed: dict[str, object] = {}
        for field in sorted(named, key=lambda field: isinstance(getattr(self, field.name), tuple)):
            value, role = getattr(self, field.name), field.metadata["file"]
            if isinstance(value, tuple):
                changed[field.name] = tuple(rename(f"{role} {i}", path) for i, path in enumerate(value, 1))
            else:
                changed[field.name] = rename(role, value)
        return dataclasses.replace(self, **changed)

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        keys = [(key, field, getattr(self, field.name)) for key, field in keys_of(type(self)).items()]
        return ",".join(f"{k}={_text(v)}" for k, field, v in keys if field.metadata["always"] or v != field.default)


@functools.cache
def keys_of(cls: type[KeyValues]) -> dict[str, dataclasses.Field[Any]]:
    """Return the fields by the keys that they are written with."""
    return {field.metadata["key"] or field.name.replace("_", "-"): field for field in dataclasses.fields(cls)}


def inside(cls: type[KeyValues]) -> Callable[[str, Callable[[str, str], str]], str]:
    """Return what `setting(inside=...)` takes for such texts."""
    return lambda text, change: str(cls.parse(text).with_files(change))


# -- kinds of values ----------------------------------------------------------------------------------------------


def number(least: float, most: float, *, above: bool = False, words: str = "") -> Read:
    """Read a number in a range; `above` leaves its lower end out."""

    def read(key: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most or (above and value == least):
            raise InputError(f"{key} must be {words or f'a number from {least:g} to {most:g}'}; got '{text}'")
        return value

    return read


def whole(words: str) -> Read:
    """Read a whole number."""

    def read(key: str, text: str) -> int:
        try:
            return int(text)
        except ValueError as error:
            raise InputError(f"{key} must be {words}; got '{text}'") from error

    return read


def wholes(key: str, text: str) -> tuple[int, ...]:
    """Read whole numbers joined by ``+``."""
    try:
        return tuple(int(item) for item in text.split("+"))
    except ValueError as error:
        raise InputError(f"{key} must be whole numbers joined by +; got '{text}'") from error


def names(key: str, text: str) -> tuple[str, ...]:
    """Read names joined by ``+``."""
    found = tuple(name.strip() for name in text.split("+"))
    if not all(found):
        raise InputError(f"a {key} in '{text}' is empty; several are joined by one + each")
    return found


def yes_or_no(key: str, text: str) -> bool:
    """Read 1, 0, yes or no."""
    if text.lower() not in ("1", "0", "yes", "no"):
        raise InputError(f"{key} must be 1 or 0; got '{text}'")
    return text.lower() in ("1", "yes")


def _text(value: object) -> str:
    return "1" if value is True else "+".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _is_picture(value: str) -> bool:
    """Tell whether a text ends as the name of a picture does, with or without a weight."""
    name, colon, _ = value.rpartition(":")
    return any(Path(text).suffix.lower() in PICTURES for text in (value, name if colon else value))
