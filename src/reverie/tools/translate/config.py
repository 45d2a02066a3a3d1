"""Settings of `reverie translate`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import SeedSettings, TileSettings
from reverie.settings import setting


@dataclass(frozen=True, kw_only=True)
class TranslateConfig(TileSettings, SeedSettings):
    """Which network translates, and in what pieces."""

    model: str = setting(
        "sobel",
        "Network: 'sobel', which is shipped, or a file of 'reverie train translate'.",
        file="network",
        builtin=("sobel",),
    )
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", replay=False, group="machine")
