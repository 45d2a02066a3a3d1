"""Reverie: a studio for neural image synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from reverie.api import Dream, Styling, dream, style
    from reverie.critic.open import open_critic
    from reverie.errors import ReverieError
    from reverie.tools.dream_config import DreamConfig
    from reverie.tools.style_config import StyleConfig

__all__ = [
    "Dream", "DreamConfig", "ReverieError", "StyleConfig", "Styling", "__version__", "dream", "open_critic", "style",
]  # fmt: skip

_HOMES = {
    "Dream": "reverie.api",
    "dream": "reverie.api",
    "Styling": "reverie.tools.style_work",
    "style": "reverie.api",
    "StyleConfig": "reverie.tools.style_config",
    "DreamConfig": "reverie.tools.dream_config",
    "ReverieError": "reverie.errors",
    "open_critic": "reverie.critic.open",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: `import reverie` itself loads no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reverie' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
