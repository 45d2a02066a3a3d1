"""Frozen networks seen as named layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reverie.critic.critic import Critic, Identity, Preprocessing
    from reverie.critic.open import open_critic
    from reverie.critic.wrap import as_critic

__all__ = ["Critic", "Identity", "Preprocessing", "as_critic", "open_critic"]

_HOMES = {
    "Critic": "reverie.critic.critic",
    "Identity": "reverie.critic.critic",
    "Preprocessing": "reverie.critic.critic",
    "as_critic": "reverie.critic.wrap",
    "open_critic": "reverie.critic.open",
}


def __getattr__(name: str) -> Any:
    """Import the names of this room on first use, so that its small files can be had without torch."""
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List them."""
    return list(__all__)
