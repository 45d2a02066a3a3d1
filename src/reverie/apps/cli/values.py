"""How a value on the command line is read: whole numbers, percent, times, lists by commas or repetition, ranges.

`2.5` is no whole number, `30%` is 0.3, `0:01:30` is 90 seconds, `3-5` are 3, 4 and 5, `mixed4a:30%` is `mixed4a:0.3`.
"""

from __future__ import annotations

import re
import secrets
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.settings import flag_of

MOST_IN_A_RANGE = 100_000
PERCENT = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?|\.\d+)%$")
WEIGHTED = re.compile(r"^([\w./-]+)=(\d*\.?\d+%?)$")  # NAME=WEIGHT, as others write NAME:WEIGHT
RANGE = re.compile(r"^(\d+)(?:-|\.\.)(\d+)$")
EACH = "each"  # of --seed: every file of a folder has one of its own


def converter_of(field: Field[Any], kind: Any) -> Callable[[Any, Sequence[Any]], Any] | None:
    """Return what reads the value of a field, as cyclopts wants it; None where its own way is right."""
    options = [option for option in _parts(kind) if option is not type(None)]
    item = next((typing.get_args(o)[0] for o in options if typing.get_origin(o) is tuple), None)
    flag = flag_of(field)

    def several(_: Any, tokens: Sequence[Any]) -> Any:
        texts = [text for token in tokens for text in split_list(token.value, field)]
        if item is int:
            return tuple(number for text in texts for number in _numbers(text, flag, field))
        return tuple(as_share(text, flag) if item is float else as_name(text, field) for text in texts)

    def single(_: Any, tokens: Sequence[Any]) -> Any:
        text = tokens[-1].value
        if field.name == "seed":
            return _seed(text)
        if str in options and int in options:
            return int(text) if text.lstrip("-").isdecimal() else text
        return _whole(text, flag) if options == [int] else as_share(text, flag)

    if field.metadata.get("joined"):
        return lambda _, tokens: ",".join(token.value for token in tokens)
    if item in (int, float, str):
        return several
    return single if set(options) & {int, float} and bool not in options else None


def _parts(kind: Any) -> tuple[Any, ...]:
    return (kind,) if typing.get_origin(kind) is tuple else typing.get_args(kind) or (kind,)


def split_list(text: str, field: Field[Any]) -> list[str]:
    """Return the items of a list by commas; a file with a comma in its name and a text of KEY=VALUE are one item."""
    if field.metadata.get("whole") or "," not in text or (field.metadata.get("file") and Path(text).exists()):
        return [text]
    return [part.strip() for part in text.split(",") if part.strip()]


def as_name(text: str, field: Field[Any]) -> str:
    """Return NAME or NAME:WEIGHT with the weight as a plain number."""
    if field.metadata.get("whole") or Path(text).exists():
        return text
    match = WEIGHTED.match(text)
    text = f"{match[1]}:{match[2]}" if match else text
    return PERCENT.sub(lambda found: f"{float(found[1]) / 100:g}", text)


def as_share(text: str, flag: str) -> float:
    """Return a number: `0.3`, `30%`, or a time such as `1:30` in seconds.

    Raises:
        InputError: it is none.
    """
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
        if ":" in text:
            return sum(float(part) * 60**k for k, part in enumerate(reversed(text.split(":"))))
        return float(text)
    except ValueError:
        hint = f"; several side by side: --sheet {flag[2:]}={text}" if "," in text else ""
        raise InputError(f"{flag} must be a number; got '{text}'{hint}") from None


def _whole(text: str, flag: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{flag} must be a whole number; got '{text}'") from None


def _numbers(text: str, flag: str, field: Field[Any]) -> list[Any]:
    """Return the numbers of `7` or `3-5`; where they may belong to a name, also of `NAME:7` and `NAME:3-5`."""
    name, colon, rest = text.rpartition(":")
    if colon and field.metadata.get("of"):
        return [f"{name}:{number}" for number in _numbers(rest, flag, field)]
    span = RANGE.match(text)
    if span is None:
        return [_whole(text, flag)]
    first, last = int(span[1]), int(span[2])
    if not first <= last < first + MOST_IN_A_RANGE:
        raise InputError(f"{flag} takes ranges such as 3-5; got '{text}'")
    return list(range(first, last + 1))


def _seed(text: str) -> Any:
    if text == EACH:
        return EACH
    if text == "random" or text.startswith("-"):  # -1 is what some programs say for "another one every time"
        drawn = secrets.randbelow(2**31 - 1) + 1
        print(f"--seed {drawn} was drawn; give it again for the same result", file=sys.stderr)
        return drawn
    try:
        return int(text)
    except ValueError:
        raise InputError(f"--seed must be a whole number, 'random', or 'each' for a folder; got '{text}'") from None


def with_owners(fields: Mapping[str, Field[Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given with every ``LAYER:7`` split in two: the number for its field, the name for the other.

    Raises:
        InputError: they belong to several names, or to another than was given beside them.
    """
    result = dict(given)
    for name, value in given.items():
        owner = fields[name].metadata.get("of") if name in fields else None
        if owner is None or not isinstance(value, tuple) or not any(isinstance(one, str) for one in value):
            continue
        pairs = [one.rpartition(":") if isinstance(one, str) else ("", "", str(one)) for one in value]
        names = {pair[0] for pair in pairs if pair[0]} | set(result.get(owner) or ())
        if len(names) > 1:
            raise InputError(f"{flag_of(fields[name])} goes with one {flag_of(fields[owner])}; got {sorted(names)}")
        result[name] = tuple(int(pair[2]) for pair in pairs)
        result[owner] = tuple(names) if fields[owner].default == () else names.pop()
    return result
