"""Stay near a picture where it is known what should be seen: for the frames of a film."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objective.base import Activations, Objective, Positions, exact

IMAGE = "image"


@dataclass(frozen=True, eq=False)
class Temporal(Objective):
    """Minus the weighted mean square of what differs from a picture, over all pixels and colors.

    Source: Ruder, Dosovitskiy, Brox 2016, arXiv 1604.08610, equation 7.

    Attributes:
        target: ``[1, 3, H, W]``, what was made before, moved along.
        weight: ``[1, 1, H, W]`` in [0, 1], zero where nothing is known.
    """

    target: Tensor
    weight: Tensor

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({IMAGE})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        image = exact(activations[IMAGE])
        distance = (image - self.target.to(image)).square() * self.weight.to(image)
        return -distance.mean(1).flatten(1).sum(1) / positions[IMAGE]


def not_seen_before(weights: list[Tensor]) -> list[Tensor]:
    """Return weights of frames further and further back, each only where no nearer one counts.

    Source: Ruder, Dosovitskiy, Brox 2016, section 3.3, equation 10.
    """
    found: list[Tensor] = []
    covered: Tensor | None = None
    for weight in weights:
        found.append(weight if covered is None else (weight - covered).clamp(min=0))
        covered = weight if covered is None else torch.clamp(covered + weight, max=1)
    return found
