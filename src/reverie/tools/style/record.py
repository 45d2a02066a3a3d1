"""What a painting leaves inside its picture or film: all that makes the same bytes again, without folders."""

from __future__ import annotations

from typing import Any

import torch

import reverie
from reverie.settings import to_record
from reverie.tools.references import base_name
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.plan import StylePlan
from reverie.tools.style.sources import StylePictures

NAMED = ("model", "weights", "style", "region", "init_picture", "fast")  # settings that name files


def style_record(
    config: StyleConfig, network: Any, plan: StylePlan, pictures: StylePictures, source: dict[str, Any]
) -> dict[str, Any]:
    """Return the settings to store; `source` is the name, sha256, width and height of the content.

    Args:
        config: the settings as given.
        network: the critic, or the network that paints in one pass.
        plan: with the tiles that were used.
        pictures: styles and masks, with their hashes.
        source: of the content.
    """
    stored = to_record(config) | {
        "model": base_name(config.model), "precision": network.precision, "tile": plan.tile_px or None,
        "device": "auto", "max_memory": None, "style_class": None,
        "style": [base_name(text) for text in pictures.chosen],
        "region": [str(r.region.with_files(lambda _, path: base_name(path))) for r in pictures.regions],
    }  # fmt: skip
    for name in ("weights", "init_picture", "fast"):
        stored[name] = base_name(stored[name]) if stored[name] else None
    return {
        "tool": "style", "version": reverie.__version__, "config": stored, "input": source,
        "model": {"name": network.identity.name, "sha256": network.identity.sha256},
        "machine": {"torch": torch.__version__, "device": network.device.type, "threads": torch.get_num_threads()},
        "files": pictures.files,
    }  # fmt: skip
