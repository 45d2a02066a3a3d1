"""Fields of configuration dataclasses: default, help, range and choices live here and nowhere else.

The command line, the web form, cluster jobs and the settings stored inside an output are all derived from the
fields that `setting` declares.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from reverie.errors import InputError

T = TypeVar("T")
V = TypeVar("V")
MOST_TIMES = 64.0  # that a size may be larger than the input's own


@dataclasses.dataclass(frozen=True)
class Facts:
    """All that is true of a field, as its `metadata` has it.

    Attributes:
        help: what it does to the result, in one sentence.
        minimum: least value allowed.
        maximum: greatest value allowed.
        choices: the only values allowed.
        above: the value must be greater than this.
        replay: False for what does not change the result (device, memory), which is not carried to other pictures.
        counts: of such a field: where it was given, a result of another value is not up to date. By default it is
            chosen anew for every machine, or as every film has it.
        file: the field names a file of this kind ("picture", "network", "folder", "text"): records keep its base name
            and sha256, and a replay finds it by both.
        builtin: values of such a field that name something inside the package and no file.
        files_end: how those values of such a field end that are files; all others are words. None: all are files.
        runs_code: the field may name a function as FILE.py:FUNCTION, which is run; only a user may, never a record.
        user_only: a value with this text in it, such as "://", may come from a user, never from a record.
        inside: the field is a text, or several, with names of files in it; ``inside(text, change)`` calls
            ``change(kind, path)`` for each of them and returns the text with what that gave in their places; `kind` is
            "" where there is only one.
        flag: the option's name, where it is not the field's.
        alias: further names of the option.
        bare: the value of an option that is given without one.
        needs: the field means something only where one of these is set as well, or has a value ("color=match,keep").
        excludes: fields that contradict this one.
        needs_input: the field needs something to work on; from nothing it cannot be used.
        own: belongs to the one picture that it was given for, as a size does; `--like` leaves it out.
        belongs: fields that it describes; where one of them is given anew, `--like` leaves this one out.
        stored: False for what a result does not carry, since it says nothing about its pixels.
        late: came later than the first records of its tool: left out of a record where it has its default, or this
            value if one is given here, so that older results are made again with the same bytes.
        moves: makes a film of a still picture.
        decided: None lets the work choose; its choice stands in the record, and a result with any choice is up to date.
        steer: may be changed while the work runs.
        whole: a text that may hold commas, such as KEY=VALUE,KEY=VALUE, and is never a list of several.
        joined: a text of several names with commas between them; the option may be repeated instead.
        of: numbers of this field belong to what another names, and may be given with it: LAYER:7 for a channel.
        own_px: a length in pixels that may be said by the input's own: "2x" or "50%".
        hidden: an older name of something else; it works, and no help shows it.
        group: section of the help.
        expert: shown by ``--help-all`` only.
        marks: what its own tool asks of it, in words of that tool; see `marked`.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    above: float | None = None
    replay: bool = True
    counts: bool = False
    file: str | None = None
    builtin: tuple[str, ...] = ()
    files_end: tuple[str, ...] | None = None
    runs_code: bool = False
    user_only: str | None = None
    inside: Callable[[str, Callable[[str, str], str]], str] | None = None
    flag: str | None = None
    alias: tuple[str, ...] = ()
    bare: str | None = None
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    needs_input: bool = False
    own: bool = False
    belongs: tuple[str, ...] = ()
    stored: bool = True
    late: bool | str | float = False
    moves: bool = False
    decided: bool = False
    steer: bool = False
    whole: bool = False
    joined: bool = False
    of: str | None = None
    own_px: bool = False
    hidden: bool = False
    group: str = ""
    expert: bool = False
    marks: tuple[str, ...] = ()


def setting(default: T, help: str, **facts: Any) -> T:  # noqa: A002 - the word that the command line uses
    """Declare one configuration field and all that is true of it.

    Args:
        default: its value where nothing is given; a tuple makes the option repeatable.
        help: see `Facts`.
        facts: those of `Facts`; any other name is a `TypeError` on import.

    A type checker sees the default, and so whether it fits the field.
    """
    return dataclasses.field(default=default, metadata=vars(Facts(help, **facts)))


def fields_of(config: object) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a configuration, or of its class."""
    if not dataclasses.is_dataclass(config):
        raise TypeError(f"{type(config).__name__} is no configuration")
    return dataclasses.fields(config)


def marked(cls: type, mark: str) -> dict[str, Any]:
    """Return name and default of the fields of a configuration that carry a mark, in their order."""
    return {field.name: field.default for field in fields_of(cls) if mark in field.metadata.get("marks", ())}


def flag_of(field: dataclasses.Field[Any]) -> str:
    """Return how a field is called on the command line."""
    return field.metadata.get("flag") or "--" + field.name.replace("_", "-")


@functools.lru_cache(1024)
def types_of(cls: type) -> Mapping[str, Any]:
    """Return the types of a configuration's fields by name, worked out once: that takes a millisecond."""
    return MappingProxyType(typing.get_type_hints(cls))


def check_settings(config: object) -> None:
    """Raise `InputError` for the first field of another type, or outside its range or choices."""
    kinds = types_of(type(config))
    for field in fields_of(config):
        value, rule = getattr(config, field.name), field.metadata
        flag = flag_of(field)
        _check_kind(flag, value, kinds[field.name])
        if value is None or isinstance(value, bool):
            continue
        if rule.get("own_px") and isinstance(value, str):
            px_of(value, 1, flag)
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


def px_of(value: int | str, own_px: int, flag: str = "--size") -> int:
    """Return a length in pixels: a number as it is, "2x" and "50%" of the input's own.

    Raises:
        InputError: none of these.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    factor = float("nan")
    for end, unit in (("x", 1.0), ("%", 0.01)):
        if text.endswith(end):
            try:
                factor = float(text[:-1]) * unit
            except ValueError:
                break
    if 0 < factor <= MOST_TIMES:
        return max(1, round(factor * own_px))
    wide = text.replace("px", "").partition("x")
    sides = [int(part) for part in (wide[0], wide[2]) if part.isdecimal()]
    if wide[1] and len(sides) == 2:
        raise InputError(f"{flag} is the longer side, and the shape stays: {flag} {max(sides)}; got '{value}'")
    raise InputError(f"{flag} must be pixels, or a size such as 2x or 50% of the picture's own; got '{value}'")


def _check_kind(flag: str, value: object, kind: Any) -> None:
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


def _is(value: object, kind: Any) -> bool:
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
    changed: dict[str, object] = {}
    for name, kind in types_of(type(config)).items():
        value = getattr(config, name)
        if isinstance(value, Path):
            changed[name] = str(value)
        elif typing.get_origin(kind) is tuple and not isinstance(value, tuple):
            changed[name] = tuple(value) if isinstance(value, (list, set)) else (value,)
    return dataclasses.replace(config, **changed) if changed else config  # type: ignore[type-var]


def to_record(config: object) -> dict[str, Any]:
    """Return a configuration as plain JSON types, without what is not stored."""
    record: dict[str, Any] = {}
    for field in fields_of(config):
        if not field.metadata.get("stored", True):
            continue
        value = getattr(config, field.name)
        late = field.metadata.get("late", False)
        if late is not False and value == (field.default if late is True else late):
            continue
        record[field.name] = list(value) if isinstance(value, tuple) else value
    return record


# -- which fields go together -----------------------------------------------------------------------------------------


def check_together(config: object, *, has_input: bool | None = None) -> None:
    """Refuse settings that contradict each other by what their fields say.

    `has_input` is whether there is something to work on, if that is known.

    Raises:
        InputError: names both settings.
    """
    known = {field.name: field for field in fields_of(config)}
    given = _changed(config)  # in the order of the fields, so that the same contradiction is named on every run
    for name in given:
        for other in known[name].metadata.get("excludes", ()):
            if other in given:
                raise InputError(f"{flag_of(known[name])} does not go with {flag_of(known[other])}; choose one")
    for name in given:
        needs = known[name].metadata.get("needs", ())
        if needs and not any(_met(whole, vars(config), known) for whole in needs):
            raise InputError(f"{flag_of(known[name])} {_wanting(needs, known)}")
        if has_input is False and known[name].metadata.get("needs_input"):
            raise InputError(f"{flag_of(known[name])} needs a picture to work on")


def without_rivals(cls: type, stored: Mapping[str, V], given: Mapping[str, V]) -> dict[str, V]:
    """Return stored settings without those that the given ones stand against, so that new ones can be laid on top."""
    known = {field.name: field for field in fields_of(cls)}
    chosen = {name for name, value in given.items() if name in known and value != known[name].default}
    rivals = {o for n in chosen for o in known[n].metadata.get("excludes", ())}
    rivals |= {n for n, field in known.items() if chosen.intersection(field.metadata.get("excludes", ()))}
    kept = {name: value for name, value in stored.items() if name not in rivals - chosen}
    for name, field in known.items():
        needs, belongs = field.metadata.get("needs", ()), field.metadata.get("belongs", ())
        idle = needs and not any(_met(whole, kept | dict(given), known) for whole in needs)
        if name not in chosen and (idle or chosen.intersection(belongs)):
            kept.pop(name, None)
    return kept


def _met(whole: str, values: Mapping[str, object], known: Mapping[str, dataclasses.Field[Any]]) -> bool:
    """Tell whether values have what another field needs: a name, which is set, or NAME=VALUE,VALUE."""
    name, equals, wanted = whole.partition("=")
    default = known[name].default
    value = values.get(name, default)
    plain = list(default) if isinstance(default, tuple) else default
    return value in wanted.split(",") if equals else value not in (default, plain)


def _wanting(needs: tuple[str, ...], known: Mapping[str, dataclasses.Field[Any]]) -> str:
    """Return in words what a field lacks."""
    wholes: list[str] = []
    for whole in needs:
        name, equals, wanted = whole.partition("=")
        *others, last = wanted.split(",")
        values = f"{', '.join(others)} or {last}" if others else last
        wholes.append(f"{flag_of(known[name])} {values}" if equals else flag_of(known[name]))
    if any("=" in whole for whole in needs):
        return f"does nothing without {' or '.join(wholes)}"
    return f"goes with {' or '.join(wholes)}; leave it out or add it"


def _changed(config: object) -> list[str]:
    return [field.name for field in fields_of(config) if getattr(config, field.name) != field.default]


# -- settings that come from a file -----------------------------------------------------------------------------------


def parse_settings(cls: type[T], record: object, what: str) -> T:
    """Return a configuration from JSON that nobody vouches for: names, types, ranges and choices are all checked.

    Args:
        cls: the configuration class.
        record: what the file holds in this place.
        what: how to call it in a message, such as "the settings inside 'a.png'".

    Raises:
        InputError: one line that says what is wrong.
    """
    if not isinstance(record, Mapping):
        raise InputError(f"{what} cannot be read: expected settings by name, found {_json_kind(record)}")
    hints = types_of(cls)
    values: dict[str, Any] = {}
    for name, value in record.items():
        if name not in hints:
            raise InputError(f"{what} have '{str(name)[:60]}', which this version does not know")
        values[name] = _fitting(hints[name], value)
    try:
        config = cls(**values)
        check_settings(config)
    except InputError as error:
        raise InputError(f"{what} cannot be used: {error}") from error
    return config


def _fitting(kind: Any, value: object) -> object:
    """Return a JSON value as its field has it: lists as tuples, whole numbers as floats; anything else as it is."""
    options = typing.get_args(kind) if type(None) in typing.get_args(kind) else (kind,)
    if isinstance(value, list) and any(typing.get_origin(option) is tuple for option in options):
        return tuple(value)
    if float in options and type(value) is int:
        return float(value) if abs(value) < 2**53 else value
    return value


def _json_kind(value: object) -> str:
    kinds = {
        type(None): "nothing",
        bool: "yes or no",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
    }
    return kinds.get(type(value), "something else")
