"""Messages as a program's author needs them: settings by the names that they have in Python, not as options."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

from reverie.errors import ReverieError

F = TypeVar("F", bound=Callable[..., Any])

PLACE = re.compile(r" with -o\b(?: [A-Z]+\b)?")  # "name another place with -o": the place is an argument here
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)")
RESERVED = {"class": "class_name"}  # words of Python


def as_python(text: str) -> str:
    """Return a message with ``--max-memory`` called ``max_memory``, as everywhere in Python."""

    def named(match: re.Match[str]) -> str:
        return RESERVED.get(match[1], match[1].replace("-", "_"))

    text = PLACE.sub("", text)
    return text if "'reverie " in text else OPTION.sub(named, text)  # a command keeps its options


def in_python(function: F) -> F:
    """Return a function, or a generator, whose errors speak of settings as Python has them."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ReverieError as error:
            error.args = (as_python(str(error)),)
            raise

    @functools.wraps(function)
    def iterated(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from function(*args, **kwargs)
        except ReverieError as error:
            error.args = (as_python(str(error)),)
            raise

    return iterated if inspect.isgeneratorfunction(function) else called  # type: ignore[return-value]
