"""Turn the fields of a configuration dataclass into command-line options; nothing is declared twice."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.values import converter_of
from reverie.settings import flag_of

FLAGS = {"class_name": "--class"}  # words that Python reserves
SIGNED = ("rotate", "pan")  # texts that may begin with a minus and are no option then


def option_of(field: dataclasses.Field[Any], kind: Any) -> inspect.Parameter:
    """Return the option of a field, with all that the field says of it."""
    flag = FLAGS.get(field.name, flag_of(field))
    kind = tuple[str, ...] if field.metadata.get("joined") else kind  # so that all that was given comes together
    negative = "--no-" + flag[2:] if kind is bool and field.default is True else ""
    note = Parameter(
        name=(flag, *field.metadata.get("alias", ())), help=_help(field), negative=negative,
        converter=converter_of(field, kind), show=not field.metadata.get("hidden"),
        show_default=field.default not in (None, (), ""), allow_leading_hyphen=field.name in SIGNED,
    )  # fmt: skip
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=Annotated[kind, note, field]
    )  # the field itself, for the manual


def _help(field: dataclasses.Field[Any]) -> str:
    text, choices = field.metadata["help"], field.metadata.get("choices")
    shown = [c for c in choices or () if c]
    return f"{text} One of: {', '.join(shown)}." if shown else text
