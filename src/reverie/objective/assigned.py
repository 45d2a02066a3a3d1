"""One channel per picture of a batch: many features for one pass through the network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.objective.base import Activations, Objective, Positions, exact, mean_over_positions
from reverie.objective.channel import check_channels, pure


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


@dataclass(frozen=True, eq=False)
class AssignedDirections(Objective):
    """Picture i points in direction i, ``[B, C]``: mean of ``dot * max(0.1, cossim) ** power``, as `DirectionScore`."""

    name: str
    directions: Tensor
    power: float = 1.0

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        if a.shape[0] != len(self.directions):
            raise InputError(f"{a.shape[0]} pictures cannot be shared out among {len(self.directions)} directions")
        v = self.directions.to(a).unflatten(1, (-1, *[1] * (a.ndim - 2)))
        dot = (a * v).sum(1)
        length = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(v, dim=1)
        return mean_over_positions(pure(dot, length, self.power), positions[self.name])


def assigned_directions(name: str, directions: Tensor, power: float = 1.0) -> Objective:
    """Return the score of a batch whose picture i shall show direction i of ``[B, C]`` in a layer."""
    return AssignedDirections(name, directions, power)
