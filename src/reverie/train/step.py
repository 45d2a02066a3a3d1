"""The record that a training run yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class TrainStep:
    """One moment of a training run.

    `phase` is ``load``, ``train``, ``epoch`` (after a validation) or ``done``; `progress` is in [0, 1], of the loading
    while `phase` is ``load`` and of the run afterwards; `wait_share` is the share of time that the network waited for
    data.
    """

    phase: str
    step: int = 0
    epoch: int = 0
    progress: float = 0.0
    loss: float = float("nan")
    lr: float = 0.0
    size_px: int = 0
    pictures_per_s: float = 0.0
    wait_share: float = 0.0
    eta_s: float = float("nan")
    metrics: dict[str, float] = field(default_factory=dict)
    message: str = ""
    output: Path | None = None
