"""What a folder of frames remembers of its making, and what a later run takes over from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from reverie.jobs.files import without_folders
from reverie.settings import to_record
from reverie.tools.dream.config import DreamConfig
from reverie.tools.style.config import StyleConfig
from reverie.version import __version__

Config = TypeVar("Config", DreamConfig, StyleConfig)


class Identified(Protocol):
    """Who a network is."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...


def manifest_of(
    tool: str, config: DreamConfig | StyleConfig, network: Identified, precision: str, tile_px: int | None,
    source: Mapping[str, Any] | None, files: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return what must be the same for two runs to belong together: settings without folders, inputs, network."""
    stored = to_record(without_folders(config)) | {"precision": precision, "tile": tile_px or None}
    return {
        "tool": tool, "version": __version__, "config": stored, "input": source,
        "model": {"name": network.name, "sha256": network.sha256}, "files": files,
    }  # fmt: skip


def as_before(config: Config, known: dict[str, Any] | None) -> Config:
    """Take over what an earlier run measured and chose for itself: another choice now would give other bytes."""
    if known is None or "config" not in known:
        return config
    chosen = known["config"]
    precision = chosen.get("precision", "auto") if config.precision == "auto" else config.precision
    tile = chosen.get("tile") if config.tile is None else config.tile
    return replace(config, precision=precision, tile=tile)
