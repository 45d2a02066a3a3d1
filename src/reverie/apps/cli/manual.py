"""All commands with all their options, as plain values: manual pages and the site are made of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cyclopts import App

from reverie.apps.cli.main import joined_name
from reverie.apps.cli.wording import KINDS
from reverie.jobs.tool import Role
from reverie.tools.registry import ALIASES, TOOLS, find_tool

WORDS = {**KINDS, str: "a text", bool: "a switch"}


@dataclass(frozen=True)
class Option:
    """One argument or option.

    Attributes:
        names: as they are typed, the first one first: "--output", "-o"; an argument in capitals, "PICTURES".
        kind: what it takes, in words.
        default: as one types it; "" where there is none.
        limits: "0 to 1", "greater than 0", or "".
        choices: the only values, if they are few.
        help: one sentence or two.
        needs: options that it goes with.
        excludes: options that it does not go with.
        group: section of the help.
        changes: False for what does not change the result, such as the device.
    """

    names: tuple[str, ...]
    kind: str
    default: str
    limits: str
    choices: tuple[str, ...]
    help: str
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    group: str = ""
    changes: bool = True


@dataclass(frozen=True)
class Command:
    """One command: its words without the program's name, what it does, what it takes.

    Attributes:
        hidden: options that work and are not shown: names of before, and words of other programs.
    """

    words: str
    summary: str
    arguments: tuple[Option, ...]
    options: tuple[Option, ...]
    examples: tuple[str, ...] = ()
    presets: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """Return how it is called."""
        places = " ".join(option.names[0] for option in self.arguments)
        return " ".join(filter(None, ("reverie", self.words, places, "[OPTIONS]" if self.options else "")))


def commands(app: App, before: tuple[str, ...] = ()) -> Iterator[Command]:
    """Yield the commands of a tree, those of groups after the commands that stand before the group."""
    for name in app:
        if name.startswith("-"):
            continue
        part, words = app[name], (*before, name)
        if any(not inner.startswith("-") for inner in part):
            yield from commands(part, words)
        else:
            yield _command(" ".join(words), part)


def _command(words: str, app: App) -> Command:
    arguments, options, hidden = [], [], []
    for argument in app.assemble_argument_collection():
        if not argument.show:
            hidden += argument.names
            continue
        option = _option(argument)
        (options if option.names[0].startswith("-") else arguments).append(option)
    words = {joined_name(name): name for name in TOOLS}.get(words, words)
    known = ALIASES.get(words, words)
    tool = find_tool(known) if known in TOOLS else None
    if tool is not None:  # its words are sorted by what they are; here they stand by the name of their role
        arguments = [_place(role) for role in tool.roles]
    presets = () if tool is None else tuple((name, text) for name, (text, _) in tool.presets.items())
    examples = () if tool is None else tool.examples
    return Command(words, app.help, tuple(arguments), tuple(options), examples, presets, tuple(hidden))


def _place(role: Role) -> Option:
    kind = "a text" if role.kind in ("text", "any", "data") else f"the path of a {role.kind}"
    several = ", repeatable" if role.many or role.streamed else ""
    optional = "" if role.required else "; can be left out"
    return Option((role.name.upper(),), kind + several + optional, "", "", (), role.help)


def _option(argument: Any) -> Option:
    field = next((x for x in typing.get_args(argument.field_info.annotation) if isinstance(x, dataclasses.Field)), None)
    facts = {} if field is None else field.metadata
    kind = kind_in_words(argument.hint)
    if facts.get("file") and facts["file"] != "text":
        kind = kind.replace("a text", f"the path of a {facts['file']}")
    return Option(
        names=tuple(argument.names), kind=kind, default=_default(argument), limits=_limits(facts),
        choices=tuple(choice for choice in facts.get("choices") or () if choice),
        help=facts.get("help") or argument.parameter.help or "", needs=facts.get("needs", ()),
        excludes=facts.get("excludes", ()), group=facts.get("group", ""), changes=facts.get("replay", True),
    )  # fmt: skip


def kind_in_words(hint: Any) -> str:
    """Return a type as a reader of the manual has it: "a number", "a text, repeatable", "two numbers"."""
    options = [hint]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
    return " or ".join(dict.fromkeys(_one_kind(option) for option in options))


def _one_kind(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Annotated:
        return kind_in_words(typing.get_args(kind)[0])
    if typing.get_origin(kind) is typing.Literal:
        return "one of the choices"
    if typing.get_origin(kind) in (tuple, list):
        parts = [part for part in typing.get_args(kind) if part is not Ellipsis]
        return f"{kind_in_words(parts[0])}, repeatable" if len(parts) == 1 else f"{len(parts)} values"
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def _default(argument: Any) -> str:
    value = argument.field_info.default
    if value is None or value is False or value in ((), "") or value is argument.field_info.empty:
        return ""
    if value is True:
        return "on"
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _limits(facts: Any) -> str:
    least, most, above = facts.get("minimum"), facts.get("maximum"), facts.get("above")
    if above is not None:
        return f"greater than {above:g}" + (f", at most {most:g}" if most is not None else "")
    if least is not None and most is not None:
        return f"{_shown(least)} to {_shown(most)}"
    if least is not None:
        return f"at least {_shown(least)}"
    return f"at most {_shown(most)}" if most is not None else ""


def _shown(number: float) -> str:
    if number == 2**63 - 1:
        return "2^63 - 1"
    return str(number) if isinstance(number, int) else f"{number:g}"
