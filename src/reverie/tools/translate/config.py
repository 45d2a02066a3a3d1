"""Settings of `reverie translate`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.blocks import SeedSettings, TileSettings, device_setting
from reverie.media.suffixes import PICTURES
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
    param: tuple[str, ...] = setting(
        (),
        "A number that the network takes beside the picture, as sigma=1.5; repeatable.",
        group="result",
        late=True,
        whole=True,
    )
    numbers: bool = setting(
        False, "Write classes as grey values, the numbers that it learned from, instead of colors.", group="result",
        late=True,
    )  # fmt: skip
    device: str = device_setting()


def check_order(config: TranslateConfig) -> None:
    """Refuse a picture in the place of the network.

    Raises:
        InputError: says how it is meant.
    """
    if Path(config.model).suffix.lower() in PICTURES:
        raise InputError(
            f"'{config.model}' is a picture; the network comes first: reverie translate sobel {config.model}"
        )
