"""Settings of `reverie gather artists`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting
from reverie.tools.gather.images_config import NetSettings, PictureSettings


@dataclass(frozen=True, kw_only=True)
class ArtistsConfig(PictureSettings, NetSettings):
    """Whose paintings are gathered."""

    names: tuple[str, ...] = setting(
        (), "Painters, or a text file with one a line, perhaps a category after a colon; else the shipped list.",
        file="text",
    )  # fmt: skip
    museums: bool = setting(False, "Search the Met, Chicago and the Rijksmuseum too.", group="which pictures")
