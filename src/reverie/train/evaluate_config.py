"""Settings of `reverie train evaluate`, for classifiers and translators; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import device_setting
from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

TRANSLATORS = "translators"  # the group of what only these take


@dataclass(frozen=True)
class EvaluateConfig:
    """What is evaluated, on which pictures, and where."""

    model: str = setting(
        "", "A .safetensors file trained here, the folder of a training, 'embedded', or 'sobel'.", file="network",
        builtin=("", *EMBEDDED_NAMES, "sobel"),
    )  # fmt: skip
    data: str = setting(
        "", "Folder of class folders with pictures, or a zip of one; for translators pictures.", file="folder"
    )
    pictures: str = setting(
        "auto",
        "Held-out pictures, or all; auto: held-out if there is a validation folder or the network learned this data.",
        choices=("auto", "val", "all"),
    )
    batch: int = setting(128, "Pictures per pass.", minimum=1)
    precision: str = setting("auto", "Arithmetic of the network.", choices=("auto", "fp32", "bf16"), replay=False,
                             group="machine")  # fmt: skip
    device: str = device_setting()
    targets: str | None = setting(
        None, "Translators: what should become of the pictures, a folder or zip of the same names.", file="folder",
        group=TRANSLATORS, excludes=("side_by_side",), late=True,
    )  # fmt: skip
    side_by_side: bool = setting(False, "Translators: every picture holds a pair.", group=TRANSLATORS, late=True)
    filter: str | None = setting(
        None, "Translators: the true filter, where the file does not say it: FILE.py:FUNCTION, which is run, or "
        "style:STUDENT.", runs_code=True, group=TRANSLATORS, late=True,
    )  # fmt: skip
    param: tuple[str, ...] = setting(
        (), "Translators: a number that the network takes, as sigma=1.5; repeatable.", whole=True,
        group=TRANSLATORS, late=True,
    )  # fmt: skip
    most: int = setting(24, "Translators: pictures that are measured at most.", minimum=1, group=TRANSLATORS,
                        late=True)  # fmt: skip
