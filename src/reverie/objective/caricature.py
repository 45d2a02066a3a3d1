"""Exaggerate what a network already sees in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objective.base import BASE, Activations, Objective, Positions, exact, mean_over_positions
from reverie.objective.channel import pure


@dataclass(frozen=True, eq=False)
class CaricatureScore(Objective):
    """Mean over positions of ``dot * max(0.1, cossim) ** power`` with the base picture's own activations.

    `center` ``[C]`` is taken off both, so that only what is special about it is exaggerated. The dot product asks
    for more of the same at every place, the cosine for nothing else.
    Source: Olah et al., Lucid, the notebook on feature inversion and caricatures. Differs: position by position
    instead of over the whole layer, so that weak regions keep their own features and tiles can be scored separately.
    """

    name: str
    power: float = 1.0
    center: Tensor | None = None

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    @property
    def base_layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a, base = exact(activations[self.name]), exact(activations[BASE + self.name])
        if self.center is not None:
            center = self.center.to(a).view(1, -1, *[1] * (a.ndim - 2))
            a, base = a - center, base - center
        dot = (a * base).sum(1)
        if self.power == 0:
            return mean_over_positions(dot, positions[self.name])
        length = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(base, dim=1)
        return mean_over_positions(pure(dot, length, self.power), positions[self.name])


def caricature(name: str, power: float = 1.0, center: Tensor | None = None) -> Objective:
    """Return the score of having more of what the base picture has, where it has it.

    `center` ``[C]`` is what the layer does on average; only what differs from it is exaggerated.
    """
    return CaricatureScore(name, power, center)
