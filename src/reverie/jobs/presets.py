"""Presets of a tool: its looks by name, and the one that is meant where none is named."""

from __future__ import annotations

from collections.abc import Mapping

from reverie.errors import InputError, unknown_name
from reverie.jobs.job import Json
from reverie.jobs.tool import AnyTool


def preset_of(tool: AnyTool, name: object, given: Mapping[str, object], *, usual: bool = True) -> Mapping[str, Json]:
    """Return the settings of a preset, of the tool's usual one where none is named; none where there is no such.

    Args:
        tool: whose presets.
        name: of the preset; None for the usual one.
        given: settings that were given, which decide whether a preset is usual.
        usual: whether one may be meant without a name.

    Raises:
        InputError: there is none of that name.
    """
    if name is None and usual and tool.usual is not None:
        name = tool.usual(given)
    if name is None:
        return {}
    if not isinstance(name, str) or name not in tool.presets:
        raise InputError(unknown_name("preset", str(name), tool.presets))
    return tool.presets[name][1]
