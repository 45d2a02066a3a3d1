"""What a dream leaves inside its picture: everything needed to make the same bytes again, and no absolute path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import reverie
from reverie.settings import to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.finished import sha256_of

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.tools.dream import Plan


def dream_record(config: DreamConfig, critic: Critic, plan: Plan, source: dict[str, Any] | None) -> dict[str, Any]:
    """Return the settings to store; `source` is the name, sha256, width and height of the picture dreamt on."""
    stored = to_record(config) | {
        "model": config.model.replace("\\", "/").rpartition("/")[2],
        "precision": critic.precision, "tile": plan.tile_px or None, "device": "auto", "max_memory": None,
    }  # fmt: skip
    for name in ("weights", "mask"):
        if stored[name]:
            stored[name] = Path(stored[name]).name
    record = {
        "tool": "dream", "version": reverie.__version__, "config": stored, "input": source,
        "model": {"name": critic.identity.name, "sha256": critic.identity.sha256},
        "machine": {"torch": torch.__version__, "device": critic.device.type, "threads": torch.get_num_threads()},
    }  # fmt: skip
    if plan.memory.disk:
        record["disk"] = True  # its last bits differ from those of a dream in memory
    return record | ({"files": {"mask": sha256_of(Path(config.mask))}} if config.mask else {})
