"""Settings of `reverie train translate`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting


@dataclass(frozen=True)
class TranslateConfig:
    """What a network learns to do to pictures, how large it is, and for how long it learns."""

    data: str = setting("", "Pictures to learn from: a folder, a zip, or one picture.", file="folder")
    filter: str = setting(
        "sobel",
        "What is learned: sobel, scharr, laplacian, gaussian, dog, xdog, emboss, median, bilateral, kuwahara, "
        "posterize, random, or a function of your own as FILE.py:FUNCTION, which is run.",
        group="task", runs_code=True,
    )  # fmt: skip
    filter_param: tuple[str, ...] = setting((), "Parameter of the filter, as sigma=1.5; repeatable.", group="task")
    targets: str | None = setting(
        None, "What is to become of the pictures, instead of a filter: a folder or zip of the same names.",
        file="folder", group="task", excludes=("side_by_side", "filter_param"),
    )  # fmt: skip
    side_by_side: bool = setting(
        False, "Every picture holds a pair: left what is given, right what is to become of it.", group="task",
        excludes=("targets", "filter_param"),
    )  # fmt: skip
    skip_unpaired: bool = setting(
        False, "Leave out pictures without a partner instead of refusing.", group="task", needs=("targets",)
    )
    architecture: str = setting("can", "Network.", choices=("can", "autoencoder"), group="network")
    width: int = setting(24, "Channels of a can.", minimum=4, maximum=256, group="network")
    depth: int = setting(4, "Layers of a can; each sees one pixel further.", minimum=1, maximum=16, group="network")
    minutes: float | None = setting(None, "Time budget that ends the schedule; overrides --steps.", above=0)
    steps: int = setting(4000, "Steps of the schedule.", minimum=1)
    batch: int = setting(4, "Pictures per step.", minimum=1, maximum=256)
    crop_px: int = setting(64, "Side of the crops.", minimum=16, maximum=2048)
    zoom: float = setting(
        1.0,
        "Largest part of a picture's shorter side that a crop takes; 0 for none made smaller.",
        minimum=0,
        maximum=1,
    )
    lr: float = setting(3e-3, "Peak learning rate of Adam.", above=0, maximum=1)
    warmup: float = setting(0.02, "Share of the run in which the learning rate rises.", minimum=0, maximum=0.5)
    ema: float = setting(0.998, "Decay of the averaged weights that are the result.", minimum=0, maximum=0.99999)
    held_out: float = setting(
        0.1, "Share of the pictures that is measured on and not learned from.", minimum=0, maximum=0.5
    )
    seed: int = setting(0, "Seed of the first weights, the crops and a random filter.", minimum=0, maximum=2**63 - 1)
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", replay=False)
