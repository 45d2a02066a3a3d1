"""Make the network believe in one class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objective.base import Activations, Objective, Positions, Tiling, exact
from reverie.objective.channel import check_channels

LOGITS = "logits"


@dataclass(frozen=True)
class LogitScore(Objective):
    """The logit of one class, or its logarithmic probability.

    ``logit`` lets the picture fill with the class whatever else is in it; ``log_probability`` also suppresses all other
    classes and fades out once the network is sure.
    """

    index: int
    log_probability: bool = False

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({LOGITS})

    @property
    def tiling(self) -> Tiling:
        return "whole"

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        logits = exact(activations[LOGITS]).flatten(1)
        check_channels("logits", (self.index,), logits.shape[1])
        if self.log_probability:
            return torch.log_softmax(logits, dim=1)[:, self.index]
        return logits[:, self.index]


def logit(index: int, *, log_probability: bool = False) -> Objective:
    """Return the score of one class by its index; `Critic.class_index` finds the index of a name."""
    return LogitScore(index, log_probability)
