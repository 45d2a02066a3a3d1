"""Forms made from tools: what the page needs to draw one, as plain JSON; nothing here knows any tool.

The common case has at most `MOST_COMMON` controls: fields that are not for experts, those of the tool's own class
before those of shared blocks, and nothing of the machine; see `common_names`. Everything else stands under "more".
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from reverie.apps.cli.tool_config import films_of, more_sections
from reverie.jobs.job import Json, section_types
from reverie.jobs.tool import AnyTool, Role

MOST_COMMON = 8
PRESETS = Path(__file__).parent / "static" / "presets"
MACHINE = "machine"


class PlaceShown(TypedDict):
    """A place that takes files."""

    name: str
    kind: str
    help: str
    required: bool
    many: bool


class FieldShown(TypedDict):
    """One setting: its type, default, limits and everything else a control shows."""

    section: str
    name: str
    label: str
    help: str
    type: str
    many: bool
    optional: bool
    default: Any  # of the type that `type` names
    minimum: float | None
    above: float | None
    maximum: float | None
    choices: list[str]
    file: str | None
    builtin: list[str]
    steer: bool
    group: str
    expert: bool
    replay: bool
    own: bool
    required: bool
    films: bool
    common: bool


class PresetShown(TypedDict):
    """A look by name."""

    name: str
    help: str
    values: dict[str, Json]
    picture: str


class Form(TypedDict):
    """What a page needs to know of a tool."""

    name: str
    summary: str
    doing: str
    makes: str
    suffix: str
    streamed: PlaceShown | None
    fields: list[FieldShown]
    film: str | None
    presets: list[PresetShown]


def form_of(tool: AnyTool, summary: str = "") -> Form:
    """Return what a page needs to know of a tool."""
    fixed = {role.name: role for role in tool.fixed}
    fields = [field_of(section, cls, field, fixed) for section, cls in section_types(tool.config).items()
              for field in _ordered(cls)]  # fmt: skip
    films = films_of(tool)
    common = common_names(fields, tool)
    for field in fields:
        field["common"] = field["name"] in common
    for section, cls in more_sections(tool, films).items():
        fields += [field_of(section, cls, field, {}, films=True) for field in _ordered(cls)]
    streamed = tool.streamed
    return {
        "name": tool.name, "summary": summary or tool.summary, "doing": tool.doing, "makes": tool.makes,
        "suffix": tool.suffix, "streamed": None if streamed is None else role_of(streamed), "fields": fields,
        "film": None if films is None else films.name,
        "presets": [{"name": name, "help": text, "values": dict(more),
                     "picture": preset_picture(tool.name, name)} for name, (text, more) in tool.presets.items()],
    }  # fmt: skip


def preset_picture(tool: str, name: str) -> str:
    """Return the address of the picture of a preset that is shipped; "" where there is none."""
    found = f"{tool}-{name}.jpg"
    return f"/static/presets/{found}" if (PRESETS / found).exists() else ""


def common_names(fields: list[FieldShown], tool: AnyTool) -> set[str]:
    """Return the settings of the common case.

    First the tool's own inputs and what can be steered; then what has a default; then texts and pictures that may be
    absent, whose right values one has to know; networks last.
    """
    room = MOST_COMMON - (tool.streamed is not None) - sum(field["required"] for field in fields)
    open_to_all = [f for f in fields if not (f["expert"] or f["group"] == MACHINE or not f["replay"] or f["required"])]
    return {field["name"] for field in sorted(open_to_all, key=lambda field: _rank(field, tool))[:room]}


def _rank(field: FieldShown, tool: AnyTool) -> int:
    if field["steer"] or field["name"] in {role.name for role in tool.fixed}:
        return 0
    if field["file"] and field["file"] != "picture":
        return 3
    return 2 if field["file"] or (field["type"] == "text" and field["optional"]) else 1


def role_of(role: Role) -> PlaceShown:
    """Return a place that takes files."""
    return {"name": role.name, "kind": role.kind, "help": role.help, "required": role.required, "many": role.many}


def field_of(
    section: str, cls: type, field: dataclasses.Field[Any], fixed: Mapping[str, Role], *, films: bool = False
) -> FieldShown:
    """Return one setting: its type, default, limits and everything else a control shows."""
    known, role = field.metadata, fixed.get(field.name)
    kind, many, optional = kind_of(typing.get_type_hints(cls)[field.name])
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    file = known.get("file") if known.get("files_end") is None else None
    required = role is not None and role.required and default in (None, "", [])
    return {
        "section": section, "name": field.name, "label": field.name.replace("_", " "), "help": known.get("help", ""),
        "type": "file" if file else "choice" if known.get("choices") else kind, "many": many, "optional": optional,
        "default": default, "minimum": known.get("minimum"), "above": known.get("above"),
        "maximum": known.get("maximum"), "choices": list(known.get("choices") or ()), "file": file,
        "builtin": list(known.get("builtin") or ()), "steer": bool(known.get("steer")),
        "group": known.get("group", ""), "expert": bool(known.get("expert")), "replay": bool(known.get("replay", True)),
        "own": bool(known.get("own")), "required": required,
        "films": films, "common": False,
    }  # fmt: skip


def kind_of(hint: Any) -> tuple[str, bool, bool]:
    """Return the plain type of an annotation, whether it takes several, and whether it may be absent."""
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    optional = type(None) in typing.get_args(hint)
    if optional and options:
        hint = options[0]
    many = typing.get_origin(hint) is tuple
    item = typing.get_args(hint)[0] if many else hint
    names = {int: "whole", float: "number", bool: "switch", str: "text"}
    return names.get(item, "text"), many, optional


def schema_of(tool: AnyTool) -> dict[str, object]:
    """Return the JSON Schema of a tool's settings, for the description of the interface."""
    plain = {"whole": "integer", "number": "number", "switch": "boolean"}
    sections: dict[str, dict[str, object]] = {}
    for field in form_of(tool)["fields"]:
        one: dict[str, object] = {"type": plain.get(field["type"], "string")}
        for key, word in (("minimum", "minimum"), ("maximum", "maximum"), ("above", "exclusiveMinimum")):
            if field[key] is not None:
                one[word] = field[key]
        if field["choices"]:
            one["enum"] = field["choices"]
        whole: dict[str, object] = {"type": "array", "items": one} if field["many"] else one
        if field["optional"]:
            whole = {"anyOf": [whole, {"type": "null"}]}
        described = {**whole, "description": field["help"], "default": field["default"]}
        sections.setdefault(field["section"], {})[field["name"]] = described
    return {
        section: {"type": "object", "additionalProperties": False, "properties": properties}
        for section, properties in sections.items()
    }


def _ordered(cls: type) -> list[dataclasses.Field[Any]]:
    """Return fields with those that the class declares itself first, as they matter most."""
    own = inspect.get_annotations(cls)
    fields = dataclasses.fields(cls)
    return [f for f in fields if f.name in own] + [f for f in fields if f.name not in own]
