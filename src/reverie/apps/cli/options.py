"""Turn the fields of a configuration dataclass into command-line options; nothing is declared twice."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.values import converter_of
from reverie.settings import flag_of

EMPTY: Mapping[str, tuple[str, ...]] = MappingProxyType({})
FLAGS = {"class_name": "--class"}  # words that Python reserves
SIGNED = ("rotate", "pan")  # texts that may begin with a minus and are no option then


def with_config(
    *classes: type, aliases: Mapping[str, tuple[str, ...]] = EMPTY
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command every field of these classes as an option.

    The decorated function receives the options that the user actually gave in its ``given`` dictionary, so that
    defaults can come from elsewhere (a preset, another output). A name in two classes is one option, described by the
    first; `given_for` hands it to both. `aliases` gives fields further names.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        own = [p for p in _parameters(function) if p.name != "given"]
        names = {p.name for p in own}
        options: dict[str, inspect.Parameter] = {}
        for option in (option for cls in classes for option in _options(cls, aliases)):
            if option.name not in names:  # a parameter of the command's own speaks for a field
                options.setdefault(option.name, option)

        def command(*args: Any, **kwargs: Any) -> Any:
            given = {name: value for name, value in kwargs.items() if name not in names}
            rest = {name: value for name, value in kwargs.items() if name in names}
            return function(*args, given=given, **rest)

        command.__doc__, command.__name__, command.__module__ = function.__doc__, function.__name__, function.__module__
        command.__signature__ = inspect.Signature([*own, *options.values()])
        return command

    return decorate


def given_for(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Return those of the given options that are fields of `cls`."""
    return {field.name: given[field.name] for field in dataclasses.fields(cls) if field.name in given}


def _options(cls: type, aliases: Mapping[str, tuple[str, ...]]) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(cls)
    return [_option(field, hints[field.name], aliases.get(field.name, ())) for field in dataclasses.fields(cls)]


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    return [p.replace(annotation=hints.get(p.name, p.annotation)) for p in signature.parameters.values()]


def option_of(field: dataclasses.Field[Any], kind: Any) -> inspect.Parameter:
    """Return the option of a field, with all that the field says of it."""
    return _option(field, kind, field.metadata.get("alias", ()))


def _option(field: dataclasses.Field[Any], kind: Any, aliases: tuple[str, ...]) -> inspect.Parameter:
    flag = FLAGS.get(field.name, flag_of(field))
    kind = tuple[str, ...] if field.metadata.get("joined") else kind  # so that all that was given comes together
    negative = "--no-" + flag[2:] if kind is bool and field.default is True else ""
    note = Parameter(
        name=(flag, *aliases), help=_help(field), negative=negative, converter=converter_of(field, kind),
        show=not field.metadata.get("hidden"),
        show_default=field.default not in (None, (), ""), allow_leading_hyphen=field.name in SIGNED,
    )  # fmt: skip
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=Annotated[kind, note, field]
    )  # the field itself, for the manual


def _help(field: dataclasses.Field[Any]) -> str:
    text, choices = field.metadata["help"], field.metadata.get("choices")
    shown = [c for c in choices or () if c]
    return f"{text} One of: {', '.join(shown)}." if shown else text
