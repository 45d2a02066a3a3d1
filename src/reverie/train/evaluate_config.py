"""Settings of `reverie train evaluate`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES


@dataclass(frozen=True)
class EvaluateConfig:
    """What is evaluated, on which pictures, and where."""

    model: str = setting(
        "", "A .safetensors file trained here, the folder of a training, or 'embedded'.", file="network",
        builtin=("", *EMBEDDED_NAMES),
    )  # fmt: skip
    data: str = setting("", "Folder of class folders with pictures, or a zip of one.", file="folder")
    pictures: str = setting(
        "auto",
        "Held-out pictures, or all; auto: held-out if there is a validation folder or the network learned this data.",
        choices=("auto", "val", "all"),
    )
    batch: int = setting(128, "Pictures per pass.", minimum=1)
    precision: str = setting("auto", "Arithmetic of the network.", choices=("auto", "fp32", "bf16"), replay=False,
                             group="machine")  # fmt: skip
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", replay=False, group="machine")
