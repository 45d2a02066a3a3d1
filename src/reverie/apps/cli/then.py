"""What the settings of a tool ask for beyond its result: another tool is applied to it, such as an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.tool import AnyTool

if TYPE_CHECKING:
    from reverie.apps.cli.common_options import Common


def check_then(tool: AnyTool, find: Callable[[str], AnyTool], config: object) -> None:
    """Check before long work that what comes after it can be done.

    Raises:
        InputError: a format that is not written, or a package that is missing.
    """
    for place, after in _asked(tool, find, config):
        if place.suffix.lower() != after.suffix:
            raise InputError(f"an exported network is written to an {after.suffix} file; got '{place.name}'")
        if after.check is not None:
            after.check(after.config())


def apply_then(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, result: Path, common: Common
) -> int:  # fmt: skip
    """Apply to a result what its settings ask for, and return the exit code."""
    from reverie.apps.cli.common_options import Common as Options
    from reverie.apps.cli.one import run_one

    for place, after in _asked(tool, find, config):
        (role,) = after.fixed
        wanted = Options(output=str(place), overwrite=common.overwrite)
        code = run_one(after, find, after.config(**{role.name: str(result)}), None, wanted)
        if code:
            return code
    return 0


def _asked(tool: AnyTool, find: Callable[[str], AnyTool], config: object) -> list[tuple[Path, AnyTool]]:
    from reverie.jobs.run import setting_of

    places = {name: setting_of(config, name) for name in tool.then}
    return [(Path(place), find(tool.then[name])) for name, place in places.items() if isinstance(place, str)]
