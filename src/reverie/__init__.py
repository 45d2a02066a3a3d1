"""Reverie: a studio for neural image synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from reverie.api import Dream, Styling, compare, dream, style
    from reverie.critic.open import open_critic
    from reverie.errors import ReverieError
    from reverie.tools.compare.comparison import Comparison
    from reverie.tools.compare.config import CompareConfig
    from reverie.tools.dream.config import DreamConfig
    from reverie.tools.style.config import StyleConfig

__all__ = [
    "CompareConfig", "Comparison", "Dream", "DreamConfig", "ReverieError", "StyleConfig", "Styling", "__version__",
    "compare", "dream", "open_critic", "style",
]  # fmt: skip

_HOMES = {
    "Dream": "reverie.api",
    "dream": "reverie.api",
    "Styling": "reverie.tools.style.styling",
    "style": "reverie.api",
    "compare": "reverie.api",
    "Comparison": "reverie.tools.compare.comparison",
    "CompareConfig": "reverie.tools.compare.config",
    "StyleConfig": "reverie.tools.style.config",
    "DreamConfig": "reverie.tools.dream.config",
    "ReverieError": "reverie.errors",
    "open_critic": "reverie.critic.open",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `import reverie` itself loads no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reverie' has no attribute '{name}'")
    import importlib

    from reverie.threads import settle_before_torch

    settle_before_torch()
    return getattr(importlib.import_module(_HOMES[name]), name)
