"""Scores that are sums over positions: in a module of its own, since workers look them up by name."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objective.base import BASE
from reverie.objective.summed import Summed


@dataclass(frozen=True, eq=False)
class Products(Summed):
    """A plain Gram matrix, to be far from a target of zeros."""

    name: str

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def sums(self, activations, places) -> Tensor:
        a = activations[self.name].flatten(2)[0]
        return a @ a.mT

    def finish(self, sums: Tensor) -> Tensor:
        return -(sums / sums.shape[0] ** 2).square().sum()


@dataclass(frozen=True, eq=False)
class Distance(Summed):
    """The squared distance to the content's activations, as a sum that knows its places."""

    name: str

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    @property
    def base_layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def sums(self, activations, places) -> Tensor:
        distance = activations[self.name] - activations[BASE + self.name]
        rows = places[self.name].top + torch.arange(distance.shape[2])
        return (distance.square() * rows.view(1, 1, -1, 1)).sum()[None]

    def finish(self, sums: Tensor) -> Tensor:
        return -sums.sum()
