"""Settings of `reverie train adaptive`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.errors import InputError
from reverie.jobs.blocks import device_setting
from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

SHIPPED = "any"  # as `--fast any` calls it


@dataclass(frozen=True)
class AdaptiveConfig:
    """How a network learns to paint in any style: what it is shown, what counts, and for how long."""

    contents: tuple[str, ...] = setting((), "Pictures to stylize: folders, zips or files.", file="folder")
    styles: tuple[str, ...] = setting((), "Folder, zip or file of styles; repeatable.", file="folder")
    minutes: float | None = setting(None, "Time budget that ends the schedule; overrides --steps.", above=0)
    steps: int = setting(4000, "Steps of the schedule.", minimum=1)
    batch: int = setting(8, "Pictures per step.", minimum=2, maximum=1024)
    crop_px: int = setting(128, "Side of the crops; a multiple of 8.", minimum=32, maximum=1024)
    lr: float = setting(2e-3, "Peak learning rate of Adam.", above=0, maximum=1)
    warmup: float = setting(0.02, "Share of the run in which the learning rate rises.", minimum=0, maximum=0.5)
    ema: float = setting(0.995, "Decay of the averaged weights that are the result.", minimum=0, maximum=0.99999)
    content: float = setting(1.0, "Weight of content.", minimum=0)
    style: float = setting(8.0, "Weight of style.", minimum=0)
    identity: float = setting(1.0, "Weight of giving pictures back unchanged in their own style.", minimum=0)
    smooth: float = setting(0.1, "Weight of total variation.", minimum=0)
    judge: str | None = setting(
        None,
        "A second network whose layers compare styles too, by name or file.",
        file="network",
        builtin=EMBEDDED_NAMES,
    )
    judge_weights: str | None = setting(
        None, "State dict for that network with a torchvision name, read as data.", file="network", builtin=("random",),
        needs=("judge",),
    )  # fmt: skip
    init: str = setting(
        "", "Go on from the weights of an earlier network; 'any' is the one of the package.", file="network",
        builtin=("", SHIPPED), late=True,
    )  # fmt: skip
    leave_out: tuple[str, ...] = setting((), "File name of a style that is held out; repeatable.")
    seed: int = setting(0, "Seed of the first weights and of what is shown.", minimum=0, maximum=2**63 - 1)
    precision: str = setting("auto", "Arithmetic while training.", choices=("auto", "fp32", "bf16"), replay=False,
                             group="machine")  # fmt: skip
    device: str = device_setting()


def check_adaptive(config: AdaptiveConfig) -> None:
    """Refuse settings that nothing can be learned with.

    Raises:
        InputError: names them.
    """
    if config.crop_px % 8:
        raise InputError(f"--crop-px must be a multiple of 8; got {config.crop_px}")
    if not (config.contents and config.styles):
        raise InputError("training for any style needs pictures to stylize, and styles: CONTENTS --styles STYLES")
