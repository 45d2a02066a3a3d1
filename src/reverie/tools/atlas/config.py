"""Settings of `reverie atlas`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import NetworkSettings, device_setting, gradient_precision_setting
from reverie.settings import setting
from reverie.tools.visualize.config import PRIORS

WHAT, HOW, MACHINE = "what is drawn", "how it is drawn", "machine"


@dataclass(frozen=True)
class AtlasConfig(NetworkSettings):
    """Which tiles an atlas has, and how each is drawn."""

    layer: tuple[str, ...] = setting(
        (), "Only this layer; repeatable. Default: every layer that has a readable name.", group=WHAT,
        marks=("any run",),
    )  # fmt: skip
    per: str = setting("channel", "One tile per channel, or one per layer.", choices=("channel", "layer"), group=WHAT)
    channels: int = setting(32, "At most so many channels of a layer, evenly taken; 0 for all.", minimum=0, group=WHAT)
    size: int = setting(96, "Height and width of a tile in pixels.", minimum=32, maximum=1024, group=HOW)
    steps: int = setting(64, "Steps per tile.", minimum=1, maximum=10_000, group=HOW)
    prior: str = setting("stack", "What keeps the tiles natural.", choices=PRIORS, group=HOW)
    crops: int = setting(
        6, "Random crops per step where the tiles show classes.", minimum=1, maximum=64, group=HOW, expert=True
    )
    batch: int = setting(
        16, "Tiles that share one pass through the network.", minimum=1, maximum=512, group=HOW, expert=True
    )
    seed: int = setting(0, "Seed of starts and views.", minimum=0, maximum=2**63 - 1, group="result")
    device: str = device_setting(group=MACHINE, marks=("any run",))
    precision: str = gradient_precision_setting(group=MACHINE, marks=("any run",))
