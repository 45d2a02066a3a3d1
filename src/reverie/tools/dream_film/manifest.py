"""What the frames of a dreamt film remember of their making."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.critic.critic import Critic
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References
from reverie.tools.dream_steps.ascent import Plan
from reverie.tools.films.manifest import manifest_of
from reverie.tools.keyframes.keyframes import Keyframes


def dream_manifest(
    tool: str, config: DreamConfig, critic: Critic, plan: Plan, source: Mapping[str, Any] | None,
    references: References, keyframes: Keyframes,
) -> dict[str, Any]:  # fmt: skip
    """Return what must be the same for two runs to belong together; what is not there has no entry."""
    files = references.files
    found = manifest_of(tool, config, critic.identity, critic.precision, plan.tile_px, source, files)
    if not files:
        del found["files"]
    if keyframes.tracks:
        found["keyframes"] = {"name": keyframes.name, "text": keyframes.text}
    if plan.memory.disk:
        found["disk"] = True  # its last bits differ from those of a dream in memory
    return found
