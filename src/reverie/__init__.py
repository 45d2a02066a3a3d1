"""Reverie: a studio for neural image synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.version import __version__

if TYPE_CHECKING:
    from reverie import canvas, critic, objective, optimize
    from reverie.api import (
        Drawing,
        Dream,
        Result,
        Styling,
        compare,
        dream,
        info,
        replay,
        run_tool,
        style,
        tool_names,
        visualize,
    )
    from reverie.critic.critic import Critic, Preprocessing
    from reverie.critic.open import open_critic
    from reverie.critic.wrap import as_critic
    from reverie.errors import ReverieError
    from reverie.tools.compare.comparison import Comparison
    from reverie.tools.compare.config import CompareConfig
    from reverie.tools.dream.config import DreamConfig
    from reverie.tools.style.config import StyleConfig

__all__ = [
    "CompareConfig", "Comparison", "Critic", "Drawing", "Dream", "DreamConfig", "Preprocessing", "Result",
    "ReverieError", "StyleConfig", "Styling", "__version__", "as_critic", "canvas", "compare", "critic", "dream",
    "info", "objective", "open_critic", "optimize", "replay", "run_tool", "style", "tool_names", "visualize",
]  # fmt: skip

_HOMES = {
    **dict.fromkeys(
        ("Drawing", "Dream", "Result", "compare", "dream", "info", "replay", "run_tool", "style", "tool_names",
         "visualize"), "reverie.api"),
    "Styling": "reverie.api.styling",
    "Comparison": "reverie.tools.compare.comparison",
    "CompareConfig": "reverie.tools.compare.config",
    "StyleConfig": "reverie.tools.style.config",
    "DreamConfig": "reverie.tools.dream.config",
    "ReverieError": "reverie.errors",
    "Critic": "reverie.critic.critic",
    "Preprocessing": "reverie.critic.critic",
    "as_critic": "reverie.critic.wrap",
    "open_critic": "reverie.critic.open",
}  # fmt: skip
_ROOMS = ("canvas", "critic", "objective", "optimize")


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `import reverie` itself loads no torch."""
    import importlib

    if name in _HOMES or name in _ROOMS:
        from reverie.threads import settle_before_torch

        settle_before_torch()
        return importlib.import_module(f"reverie.{name}") if name in _ROOMS else getattr(
            importlib.import_module(_HOMES[name]), name
        )  # fmt: skip
    if not name.startswith("_"):
        from reverie.tools.registry import TOOLS

        if name.replace("_", " ") in TOOLS:
            from reverie.threads import settle_before_torch

            settle_before_torch()
            return importlib.import_module("reverie.api.tools").named_tool(name)
    raise AttributeError(f"module 'reverie' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names and the tools, without importing what they stand for."""
    from reverie.tools.registry import TOOLS

    return sorted({*__all__, *(name.replace(" ", "_") for name in TOOLS)})
