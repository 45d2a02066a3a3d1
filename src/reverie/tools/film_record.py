"""What a film on disk remembers of its making, and what a later run takes over from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import reverie
from reverie.critic.critic import Critic
from reverie.errors import PictureError
from reverie.media.image import read_picture
from reverie.numerics.resample import resize
from reverie.settings import to_record
from reverie.tools.dream import Plan
from reverie.tools.dream_config import DreamConfig
from reverie.tools.keyframes import Keyframes

FILES = ("model", "weights", "mask")


def film_record(tool: str, config: DreamConfig, critic: Critic, plan: Plan, keyframes: Keyframes) -> dict[str, Any]:
    """Return what made the dreams of a film, without folders and devices."""
    stored = to_record(config) | {
        "precision": critic.precision, "tile": plan.tile_px or None, "device": "auto", "max_memory": None,
    }  # fmt: skip
    for name in FILES:
        if stored[name]:
            stored[name] = stored[name].replace("\\", "/").rpartition("/")[2]
    keyed = {"keyframes": {"name": keyframes.name, "text": keyframes.text}} if keyframes.tracks else {}
    return keyed | {
        "tool": tool, "version": reverie.__version__, "config": stored,
        "model": {"name": critic.identity.name, "sha256": critic.identity.sha256},
        "machine": {"torch": torch.__version__, "device": critic.device.type, "threads": torch.get_num_threads()},
    }  # fmt: skip


def as_before(config: DreamConfig, known: dict[str, Any] | None) -> DreamConfig:
    """Take over what an earlier run measured and chose for itself: another choice now would give other bytes."""
    if known is None or "config" not in known:
        return config
    chosen = known["config"]
    precision = chosen.get("precision", "auto") if config.precision == "auto" else config.precision
    tile = chosen.get("tile") if config.tile is None else config.tile
    return replace(config, precision=precision, tile=tile)


def read_mask(path: str | Path | None, size: tuple[int, int]) -> Tensor | None:
    """Return a mask as ``[1, 1, *size]`` in [0, 1], if there is one.

    Raises:
        PictureError: it cannot be read, or is black everywhere.
    """
    if path is None:
        return None
    mask = read_picture(path)
    grey = torch.from_numpy(mask.rgb.mean(axis=2))[None, None]
    if mask.alpha is not None:
        grey = grey * torch.from_numpy(mask.alpha)[None, None]
    if not grey.any():
        raise PictureError(f"the mask '{mask.name}' is black everywhere: nothing would change")
    return resize(grey, size).clamp(0, 1)
