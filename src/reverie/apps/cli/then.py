"""What the settings of a tool ask for beyond its result: another tool is applied to it, such as an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.tool import AnyTool


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


def steps_after(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, result: Path
) -> Iterator[tuple[AnyTool, object, Path]]:
    """Yield what is applied to a result: each tool with its settings, and the place of its own result."""
    for place, after in _asked(tool, find, config):
        (role,) = after.fixed
        yield after, after.config(**{role.name: str(result)}), place


def _asked(tool: AnyTool, find: Callable[[str], AnyTool], config: object) -> list[tuple[Path, AnyTool]]:
    from reverie.jobs.values import setting_of

    places = {name: setting_of(config, name) for name in tool.then}
    return [(Path(place), find(tool.then[name])) for name, place in places.items() if isinstance(place, str)]
