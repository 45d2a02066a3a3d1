"""Fields of configuration dataclasses: default, help, range and choices live here and nowhere else.

The command line, the web form, cluster jobs and the settings stored inside an output are all derived from the
fields that `setting` declares.
"""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any, TypeVar

from reverie.errors import InputError

T = TypeVar("T")


def setting(
    default: Any,
    help: str,  # noqa: A002 - the word that the command line uses
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
    above: float | None = None,
    replay: bool = True,
) -> Any:
    """Declare one configuration field.

    `replay=False` marks fields that do not change the result (device, memory) and are not carried to other pictures.
    """
    metadata = {
        "help": help, "minimum": minimum, "maximum": maximum, "choices": choices, "above": above, "replay": replay,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


def check_settings(config: Any) -> None:
    """Raise `InputError` for the first field of another type, or outside its range or choices."""
    kinds = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value, rule = getattr(config, field.name), field.metadata
        flag = "--" + field.name.replace("_", "-")
        _check_kind(flag, value, kinds[field.name])
        if value is None or isinstance(value, bool):
            continue
        if rule.get("choices") and value not in rule["choices"]:
            raise InputError(f"{flag} must be one of {', '.join(rule['choices'])}; got '{value}'")
        if not isinstance(value, (int, float)):
            continue
        if value != value:
            raise InputError(f"{flag} must be a number; got {value}")
        if rule.get("minimum") is not None and value < rule["minimum"]:
            raise InputError(f"{flag} must be at least {rule['minimum']}; got {value}")
        if rule.get("above") is not None and value <= rule["above"]:
            raise InputError(f"{flag} must be greater than {rule['above']}; got {value}")
        if rule.get("maximum") is not None and value > rule["maximum"]:
            raise InputError(f"{flag} must be at most {rule['maximum']}; got {value}")


def _check_kind(flag: str, value: Any, kind: Any) -> None:
    """Refuse what a program, unlike the command line, can hand over: ``steps="3"``, ``size=1.5``."""
    options = typing.get_args(kind) if type(None) in typing.get_args(kind) else (kind,)
    for option in options:
        item = (typing.get_args(option) or (None,))[0] if typing.get_origin(option) is tuple else None
        if item is not None and isinstance(value, tuple) and all(_is(x, item) for x in value):
            return
        if item is None and _is(value, option):
            return
    words = " or ".join(_spoken(option) for option in options)
    raise InputError(f"{flag} must be {words}; got {value!r}")


def _is(value: Any, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _spoken(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "True or False", type(None): "None"}
    if typing.get_origin(kind) is tuple:
        return f"a tuple, each item {_spoken(typing.get_args(kind)[0])}"
    return names.get(kind, str(kind))


def with_tuples(config: T) -> T:
    """Return the configuration as the command line would give it: ``layer="mixed5a"`` as a tuple, paths as texts."""
    changed: dict[str, Any] = {}
    for name, kind in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if isinstance(value, Path):
            changed[name] = str(value)
        elif typing.get_origin(kind) is tuple and not isinstance(value, tuple):
            changed[name] = tuple(value) if isinstance(value, (list, set)) else (value,)
    return dataclasses.replace(config, **changed) if changed else config  # type: ignore[type-var]


def to_record(config: Any) -> dict[str, Any]:
    """Return a configuration as plain JSON types."""
    record: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        record[field.name] = list(value) if isinstance(value, tuple) else value
    return record


def from_record(cls: type[T], record: dict[str, Any]) -> T:
    """Return a configuration from plain JSON types; unknown names are refused.

    Raises:
        InputError: a name that this version does not know.
    """
    known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(record) - known)
    if unknown:
        raise InputError(f"unknown setting '{unknown[0]}' for {cls.__name__}; it was written by another version")
    values = {name: _tuples(value) for name, value in record.items()}
    return cls(**values)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
