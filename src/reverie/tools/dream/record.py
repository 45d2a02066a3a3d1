"""What a dream leaves inside its picture: everything needed to make the same bytes again, and no absolute path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References, base_name, stored_settings
from reverie.version import __version__

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.tools.dream_steps.ascent import Plan


def dream_record(
    config: DreamConfig, critic: Critic, plan: Plan, source: dict[str, Any] | None, references: References
) -> dict[str, Any]:
    """Return the settings to store; `source` is the name, sha256, width and height of the picture dreamt on."""
    stored = stored_settings(config, references) | {
        "model": base_name(config.model), "precision": critic.precision, "tile": plan.tile_px or None,
        "device": "auto", "max_memory": None,
    }  # fmt: skip
    record = {
        "tool": "dream", "version": __version__, "config": stored, "input": source,
        "model": {"name": critic.identity.name, "sha256": critic.identity.sha256},
        "machine": {"torch": torch.__version__, "device": critic.device.type, "threads": torch.get_num_threads()},
    }  # fmt: skip
    if plan.memory.disk:
        record["disk"] = True  # its last bits differ from those of a dream in memory
    return record | ({"files": references.files} if references.files else {})
