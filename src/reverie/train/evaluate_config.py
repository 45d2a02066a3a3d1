"""Settings of `reverie train evaluate`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting


@dataclass(frozen=True)
class EvaluateConfig:
    """Which pictures are evaluated, and where."""

    pictures: str = setting(
        "auto",
        "Held-out pictures, or all; auto: held-out if there is a validation folder or the network learned this data.",
        choices=("auto", "val", "all"),
    )
    batch: int = setting(128, "Pictures per pass.", minimum=1)
    precision: str = setting("auto", "Arithmetic of the network.", choices=("auto", "fp32", "bf16"))
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", replay=False)
