"""The commands of all tools, made when somebody asks for one: ``reverie.apps.cli.tool_commands:latent__sample``."""

from __future__ import annotations

from collections.abc import Callable


def __getattr__(name: str) -> Callable[..., int]:
    from reverie.apps.cli.tool_command import command_for
    from reverie.tools.registry import TOOLS, find_tool

    tool = name.replace("__", " ")
    if tool not in TOOLS:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return globals().setdefault(name, command_for(find_tool(tool), find_tool))  # what reads its options is kept
