"""One channel per picture of a batch: many features for one pass through the network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.objective.base import Activations, Objective, Positions, exact, mean_over_positions
from reverie.objective.channel import check_channels


@dataclass(frozen=True)
class AssignedScore(Objective):
    """Picture i raises the mean of channel i of the list.

    A batch may hold several views of each picture, all of one picture behind one another.
    """

    name: str
    channels: tuple[int, ...]

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = activations[self.name]
        check_channels(self.name, self.channels, a.shape[1])
        views, rest = divmod(a.shape[0], len(self.channels))
        if rest or not views:
            raise InputError(f"{a.shape[0]} pictures cannot be shared out among {len(self.channels)} channels")
        grouped = a.unflatten(0, (len(self.channels), views))
        own = [exact(grouped[i, :, c]) for i, c in enumerate(self.channels)]
        return mean_over_positions(torch.cat(own), positions[self.name])


def assigned(name: str, *channels: int) -> Objective:
    """Return the score of a batch whose picture i shall show channel i of these, of a layer or of the logits."""
    return AssignedScore(name, channels)
