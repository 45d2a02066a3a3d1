"""Settings of `reverie atlas`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting
from reverie.tools.visualize_config import PRIORS


@dataclass(frozen=True)
class AtlasConfig:
    """Which tiles an atlas has, and how each is drawn."""

    model: str = setting("embedded", "Network: 'embedded', a .safetensors file trained here, or a torchvision name.")
    weights: str | None = setting(
        None, "State dict for a torchvision name, read as data; 'random' for an untrained one."
    )
    layer: tuple[str, ...] = setting((), "Only this layer; repeatable. Default: every layer that has a readable name.")
    per: str = setting("channel", "One tile per channel, or one per layer.", choices=("channel", "layer"))
    channels: int = setting(32, "At most so many channels of a layer, evenly taken; 0 for all.", minimum=0)
    size: int = setting(96, "Height and width of a tile in pixels.", minimum=32, maximum=1024)
    steps: int = setting(64, "Steps per tile.", minimum=1, maximum=10_000)
    prior: str = setting("stack", "What keeps the tiles natural.", choices=PRIORS)
    crops: int = setting(6, "Random crops per step where the tiles show classes.", minimum=1, maximum=64)
    batch: int = setting(16, "Tiles that share one pass through the network.", minimum=1, maximum=512)
    seed: int = setting(0, "Seed of starts and views.", minimum=0, maximum=2**63 - 1)
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", replay=False)
    precision: str = setting(
        "auto", "Arithmetic of the network; auto measures.", choices=("auto", "fp32", "bf16"), replay=False
    )
