"""Frozen networks seen as named layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.lazy import lazy

if TYPE_CHECKING:
    from reverie.critic.critic import Critic, Identity, Preprocessing
    from reverie.critic.open import open_critic
    from reverie.critic.wrap import as_critic

__all__ = ["Critic", "Identity", "Preprocessing", "as_critic", "open_critic"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Critic": "reverie.critic.critic",
        "Identity": "reverie.critic.critic",
        "Preprocessing": "reverie.critic.critic",
        "as_critic": "reverie.critic.wrap",
        "open_critic": "reverie.critic.open",
    },
)
