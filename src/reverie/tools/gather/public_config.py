"""Settings of `reverie gather public`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import SeedSettings
from reverie.settings import setting
from reverie.tools.gather.images_config import NetSettings


@dataclass(frozen=True, kw_only=True)
class PublicConfig(NetSettings, SeedSettings):
    """Which collection, and what of it."""

    dataset: str = setting("", "cifar100, pets, coco-minitrain, wikiart or painter-by-numbers.")
    count: int = setting(25_000, "Pictures of coco-minitrain.", minimum=1, maximum=118_287)
    masks: bool = setting(False, "Pets: pictures and masks of the animals, for 'reverie train translate'.")
    painters: tuple[str, ...] = setting((), "Of wikiart and painter-by-numbers: only these painters.", late=True)
    each: int = setting(
        200, "Of wikiart and painter-by-numbers: pictures of each painter.", minimum=1, maximum=100_000, late=True
    )
    pause: float = setting(
        0.25, "Least seconds between two requests to one host.", minimum=0, replay=False, group="servers"
    )
