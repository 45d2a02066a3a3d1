"""Settings of `reverie gather public`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import SeedSettings
from reverie.settings import setting
from reverie.tools.gather.images_config import NetSettings


@dataclass(frozen=True, kw_only=True)
class PublicConfig(NetSettings, SeedSettings):
    """Which collection, and what of it."""

    dataset: str = setting("", "cifar100, pets or coco-minitrain.")
    count: int = setting(25_000, "Pictures of coco-minitrain.", minimum=1, maximum=118_287)
    masks: bool = setting(False, "Pets: pictures and masks of the animals, for 'reverie train translate'.")
    pause: float = setting(
        0.25, "Least seconds between two requests to one host.", minimum=0, replay=False, group="servers"
    )
