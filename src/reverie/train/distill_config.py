"""Settings of `reverie distill`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.errors import InputError
from reverie.jobs.blocks import device_setting
from reverie.jobs.weighted import in_weighted
from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES


@dataclass(frozen=True)
class DistillConfig:
    """How a small network learns to paint in one style: what counts, how large it is, and for how long it learns."""

    style: tuple[str, ...] = setting(
        (), "Style pictures, each optionally weighted as FILE:WEIGHT.", file="picture", inside=in_weighted
    )
    data: str = setting("", "Pictures to learn on: a folder, a zip or a file.", file="folder")
    minutes: float | None = setting(None, "Time budget that ends the schedule; overrides --steps.", above=0)
    steps: int = setting(1500, "Steps of the schedule.", minimum=1)
    strength: float = setting(0.5, "From 0, the content as it is, to 1, nothing but style.", minimum=0, maximum=1)
    score: str = setting(
        "w2", "What of the style is matched.", choices=("w2", "w2-ns", "gram", "covariance", "mean-std")
    )
    model: str = setting(
        "embedded", "Network that scores: 'embedded', a .safetensors file, or a torchvision name.", file="network",
        builtin=EMBEDDED_NAMES,
    )  # fmt: skip
    weights: str | None = setting(
        None, "State dict for a torchvision name, read as data; 'random' for an untrained one.", file="network",
        builtin=("random",),
    )  # fmt: skip
    style_layer: tuple[str, ...] = setting(
        (), "Layer whose style is matched, optionally weighted as NAME:WEIGHT; repeatable."
    )
    content_layer: tuple[str, ...] = setting(
        (), "Layer whose content is kept, optionally weighted as NAME:WEIGHT; repeatable."
    )
    style_size: int = setting(
        384, "Longer side at which the style is looked at: smaller for finer strokes.", minimum=32, maximum=8192
    )
    smooth: float = setting(0.02, "Weight of total variation against the rest.", minimum=0, maximum=1000)
    width: int = setting(16, "Channels of the network at full size.", minimum=4, maximum=128)
    blocks: int = setting(4, "Residual blocks of the network.", minimum=0, maximum=16)
    batch: int = setting(4, "Pictures per step.", minimum=1, maximum=256)
    crop_px: int = setting(160, "Side of the crops; a multiple of 16.", minimum=64, maximum=2048)
    lr: float = setting(3e-3, "Peak learning rate of Adam.", above=0, maximum=1)
    warmup: float = setting(0.02, "Share of the run in which the learning rate rises.", minimum=0, maximum=0.5)
    ema: float = setting(0.99, "Decay of the averaged weights that are the result.", minimum=0, maximum=0.99999)
    seed: int = setting(0, "Seed of the first weights and of what is shown.", minimum=0, maximum=2**63 - 1)
    precision: str = setting("auto", "Arithmetic while learning.", choices=("auto", "fp32", "bf16"), replay=False,
                             group="machine")  # fmt: skip
    device: str = device_setting()
    export: str | None = setting(None, "Write the network as ONNX too, to this file.", stored=False)


def check_distill(config: DistillConfig) -> None:
    """Refuse settings that nothing can be learned with.

    Raises:
        InputError: names them.
    """
    if not config.style:
        raise InputError("no style is given; name one or more pictures")
    if config.crop_px % 16:
        raise InputError(f"--crop-px must be a multiple of 16; got {config.crop_px}")
