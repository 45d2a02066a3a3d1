"""`--resume`: go on with what was stopped, with the settings that it was begun with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.apps.cli.one import result_path
from reverie.apps.cli.output import print_note, print_path
from reverie.apps.cli.tool_config import settings_of
from reverie.errors import InputError
from reverie.jobs.many import scratch_of
from reverie.jobs.tool import AnyTool

if TYPE_CHECKING:
    from reverie.apps.cli.common_options import Common


def resumed_settings(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, given: Mapping[str, object], common: Common,
    family: AnyTool,
) -> object | None:  # fmt: skip
    """Return the settings of the run that was stopped, with what was given on top; None where it is finished.

    Args:
        tool: what is resumed.
        find: gives a tool by name.
        config: settings as they would be without it.
        given: settings of the command line.
        common: options of every tool.
        family: see `settings_of`.

    Raises:
        InputError: nothing to resume.
    """
    target = result_path(tool, config, None, common)
    place = scratch_of(target, tool)
    begun = None if tool.begun is None else tool.begun(place, tool.config)
    if begun is not None:
        return settings_of(tool, find, given, common, family, base=begun)
    if target.exists():
        _check_finished(target, given)
        print_note(f"'{place}' is finished; there is nothing to resume")
        print_path(target)
        return None
    raise InputError(f"no checkpoint to resume in '{place}'; start without --resume")


def _check_finished(target: Path, given: Mapping[str, object]) -> None:
    """Refuse settings that a finished run was not made with.

    Raises:
        InputError: names the first.
    """
    from reverie.weights.checkpoint import load_description

    recipe = load_description(target).recipe
    for name, value in given.items():
        if isinstance(value, (bool, int, float)) and recipe.get(name, value) != value:
            raise InputError(
                f"--{name.replace('_', '-')} is {value!r}, but '{target}', which is finished, has {recipe[name]!r}"
            )
