"""The help of a tool, made of what its fields say: examples first, then what people change most, by groups.

`--help` fits on a screen: no options for experts, one short line for each. `--help-all` has all of them, in full.
"""

from __future__ import annotations

import re
import shutil
import textwrap
import typing
from collections.abc import Sequence
from dataclasses import Field, dataclass
from typing import Any

from reverie.apps.cli.common_options import COMMON, GROUP_OF, OFTEN, quality_words
from reverie.apps.cli.options import FLAGS
from reverie.apps.cli.tool_fields import all_fields, fits, hints_of
from reverie.jobs.tool import AnyTool, Role
from reverie.settings import flag_of

MOST_LINES = 45
MOST_CHOICES = 28  # characters of choices that stand in place of a value
FIRST = ("look",)
LAST = ("film", "result", "output", "machine")  # groups behind those of the tool's own


@dataclass(frozen=True)
class Option:
    """One option as a help shows it; `text` begins with its first sentence, which the short help shows."""

    name: str
    value: str
    text: str
    group: str
    often: bool


def print_help(name: str, everything: bool) -> int:
    """Print the help of the tool of this name, and return the exit code."""
    from reverie.tools.registry import find_tool

    print(help_of(find_tool(name), everything=everything, width=min(110, shutil.get_terminal_size((100, 24)).columns)))
    return 0


def help_of(tool: AnyTool, *, everything: bool = False, width: int = 100) -> str:
    """Return the help of a tool."""
    options = options_of(tool)
    top = [_usage(tool), "", *textwrap.wrap(tool.summary, width)]
    top += ["", *(f"  {line}" for line in tool.examples[:3])] if tool.examples else []
    for role in tool.roles:
        text = role.help if everything else role.help.split(". ")[0]
        top += ["", *_entry(role.name.upper(), text, width)][0 if role is tool.roles[0] else 1 :]
    if everything:
        return "\n".join([*top, *_groups(options, width, everything=True)])
    shown = [option for option in options if option.often]
    end = ["", *textwrap.wrap(f"All {len(options)} options: reverie {tool.name} --help-all", width)]
    lines = _groups(shown, width)
    while len(top) + len(lines) + len(end) > MOST_LINES and len(shown) > 10:
        shown.remove(_least(shown))
        lines = _groups(shown, width)
    return "\n".join([*top, *lines, *end])


def _least(shown: Sequence[Option]) -> Option:
    """Return what is left out first where there is no room: the last of the largest group of the tool's own."""
    sizes = {option.group: sum(o.group == option.group for o in shown) for option in shown}
    own = [group for group in sizes if group not in LAST] or list(sizes)
    largest = max([*own, "film"] if sizes.get("film", 0) > 2 else own, key=lambda group: sizes.get(group, 0))
    return [option for option in shown if option.group == largest][-1]


def _usage(tool: AnyTool) -> str:
    places = [_place(role) for role in tool.roles]
    return " ".join(("Usage: reverie", tool.name, *places, "[options]"))


def _place(role: Role) -> str:
    name = role.name.upper() + (" ..." if role.many or role.streamed else "")
    return name if role.required else f"[{name}]"


def options_of(tool: AnyTool) -> list[Option]:
    """Return all options of a tool in the order of its groups: its own first, then films, output and machine."""
    hints, found, seen = hints_of(tool), [], set()
    roles = {role.name for role in tool.roles}
    for field, film in all_fields(tool):
        if field.name in seen or field.name in roles or field.metadata.get("hidden"):
            continue
        seen.add(field.name)
        found.append(_of_field(field, hints[field.name], film=film))
    found += [_of_common(tool, *item) for item in COMMON if fits(item[0], tool) and item[0] not in seen]
    found += [Option(f"--{label}", "TEXT", text, "output", False) for label, text in tool.extras.items()]
    own = dict.fromkeys(option.group for option in found if option.group not in (*FIRST, *LAST))
    order = [*FIRST, *own, *LAST]
    return sorted(found, key=lambda option: order.index(option.group))


def _of_field(field: Field[Any], kind: Any, *, film: bool) -> Option:
    facts = field.metadata
    group = facts.get("group") or ("film" if film else "settings")
    flag = FLAGS.get(field.name, flag_of(field))
    choices = [choice for choice in facts.get("choices") or () if choice]
    value, more = _value(field, kind), ""
    if choices and value != "|".join(choices):
        more += f" One of: {', '.join(choices)}."
    if facts.get("alias"):
        more += f" Also {', '.join(facts['alias'])}."
    default = field.default if field.default not in (None, (), "", False, True) else None
    text = facts["help"].rstrip(".") + (f" [{default}]" if default is not None and not choices else "")
    often = not facts.get("expert") and (not film or group == "film") and group != "machine"
    return Option(flag, value, text + "." + more, group, often)


def _value(field: Field[Any], kind: Any) -> str:
    choices = "|".join(choice for choice in field.metadata.get("choices") or () if choice)
    if choices and len(choices) <= MOST_CHOICES:
        return choices
    kinds = set(typing.get_args(kind) or (kind,)) - {type(None)}
    if kinds == {bool}:
        return ""
    if field.metadata.get("own_px"):
        return "N|2x|50%"
    if field.metadata.get("file"):
        return "FOLDER" if field.metadata["file"] == "folder" else "FILE"
    numbers = {int: "N", float: "X"}
    several = next((k for k in (kind, *kinds) if typing.get_origin(k) is tuple), None)
    if several is not None:
        return numbers.get(typing.get_args(several)[0], "NAME") + ",..."
    return next((numbers[k] for k in (int, float) if k in kinds), "TEXT")


def _of_common(tool: AnyTool, name: str, kind: Any, default: Any, names: Sequence[str], text: str) -> Option:
    if name == "look":
        text = text.rstrip(".") + f": {', '.join(tool.presets)}"
        text += ". " + "; ".join(f"{look}: {what}" for look, (what, _) in tool.presets.items())
    words = quality_words(tool.presets) if name == "quality" else ""
    values = {"output": "FILE|FOLDER/", "like": "FILE", "quality": "N|draft|good|best" if words else "N",
              "file_format": "jpg|png|...", "workers": "N", "sheet": "NAME=A,B", "look": "NAME", "show_port": "N",
              "show_host": "ADDRESS"}  # fmt: skip
    shown = f"{names[1]}, {names[0]}" if len(names) > 1 and len(names[1]) == 2 else names[0]
    own = text if default in (None, False, 0) else f"{text.rstrip('.')} [{default}].{words}"
    return Option(
        shown, "" if kind is bool else values.get(name, "TEXT"), own, GROUP_OF.get(name, "output"), name in OFTEN
    )


def _groups(options: Sequence[Option], width: int, *, everything: bool = False) -> list[str]:
    lines: list[str] = []
    group = None
    for option in options:
        if option.group != group:
            group = option.group
            lines += [*([""] if everything or not lines else []), f"{group}:"]
        name = f"{option.name} {option.value}".rstrip()
        lines += _entry(name, option.text if everything else _clipped(option, width), width)
    return lines


COLUMN = 30


def _clipped(option: Option, width: int) -> str:
    """Return as much of the text as fits on a line and ends where a part of it ends."""
    if option.name == "--preset":
        return option.text.split(". ")[0]
    text = re.split(r"\.\s+(?=[A-Z-])", option.text)[0].rstrip(".")
    while len(text) > width - COLUMN:
        cut = max(text.rfind(mark) for mark in ("; ", ": ", ", ", " ("))
        if cut < 0:
            break
        text = text[:cut].removesuffix("; default").removesuffix(", e.g")
    return text


def _entry(name: str, text: str, width: int) -> list[str]:
    room = max(30, width - COLUMN)
    first, *rest = textwrap.wrap(text, room, break_long_words=False) or [""]
    head = f"  {name}"
    lines = [f"{head:{COLUMN}}{first}"] if len(head) < COLUMN else [head, " " * COLUMN + first]
    return lines + [" " * COLUMN + line for line in rest]
