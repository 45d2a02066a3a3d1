"""Which options a tool has: the fields of its settings, those of its films, and the options of all tools that fit."""

from __future__ import annotations

import dataclasses
from typing import Any

from reverie.apps.cli.tool_config import films_of, more_sections, moving_of
from reverie.jobs.job import section_types
from reverie.jobs.tool import AnyTool
from reverie.settings import types_of


def fits(name: str, tool: AnyTool) -> bool:
    """Tell whether an option of all tools means something to this one."""
    if name in ("recursive", "workers"):
        return tool.streamed is not None
    if name == "file_format":
        return tool.makes in ("picture", "mesh")
    if name in ("quality", "sheet"):
        return tool.makes == "picture"
    if name == "as_json":
        return bool(tool.prints)
    if name == "look":
        return bool(tool.presets)
    if name in ("recipe", "resume"):
        return tool.recipes if name == "recipe" else tool.begun is not None
    if name == "layers":
        return {"layer", "model", "weights"} <= {field.name for _, field in tool.fields()}
    return True


def _extra(tool: AnyTool) -> list[type]:
    """Return the sections of the tools of films that stand behind a tool of pictures."""
    return [cls for other in (films_of(tool), moving_of(tool)) for cls in more_sections(tool, other).values()]


def all_fields(tool: AnyTool) -> list[tuple[dataclasses.Field[Any], bool]]:
    """Return every field that is an option, and whether only films have it; a name in two sections is there twice."""
    own = [(field, False) for _, field in tool.fields() if field.name not in {role.name for role in tool.fixed}]
    return own + [(field, True) for cls in _extra(tool) for field in dataclasses.fields(cls)]


def hints_of(tool: AnyTool) -> dict[str, object]:
    """Return the types of all fields by name; where two sections have a name, that of the tool's own."""
    hints: dict[str, object] = {}
    for cls in (*_extra(tool), *section_types(tool.config).values()):
        hints |= types_of(cls)
    return hints
