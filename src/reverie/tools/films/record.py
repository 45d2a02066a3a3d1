"""What a film on disk remembers of its making, and what a later run takes over from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from reverie.critic.critic import Critic
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.record import dream_record
from reverie.tools.dream.references import References
from reverie.tools.dream_steps.ascent import Plan
from reverie.tools.keyframes.keyframes import Keyframes
from reverie.tools.style.config import StyleConfig

Config = TypeVar("Config", DreamConfig, StyleConfig)


def film_record(
    tool: str, config: DreamConfig, critic: Critic, plan: Plan, source: dict[str, Any] | None, references: References,
    keyframes: Keyframes,
) -> dict[str, Any]:  # fmt: skip
    """Return what made the dreams of a film, without folders and devices."""
    record = dream_record(config, critic, plan, source, references) | {"tool": tool}
    keyed = {"keyframes": {"name": keyframes.name, "text": keyframes.text}} if keyframes.tracks else {}
    return keyed | record


def as_before(config: Config, known: dict[str, Any] | None) -> Config:
    """Take over what an earlier run measured and chose for itself: another choice now would give other bytes."""
    if known is None or "config" not in known:
        return config
    chosen = known["config"]
    precision = chosen.get("precision", "auto") if config.precision == "auto" else config.precision
    tile = chosen.get("tile") if config.tile is None else config.tile
    return replace(config, precision=precision, tile=tile)
