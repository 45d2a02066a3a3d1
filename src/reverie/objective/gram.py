"""Style as the Gram matrix of features: which occur together, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from reverie.objective.moments import Moments


@dataclass(frozen=True, eq=False)
class Gram(Moments):
    """Minus the mean squared difference of Gram matrices, which are means over positions.

    Source: Gatys, Ecker, Bethge 2015, arXiv 1508.06576, equations 3 to 5. Differs: divided by positions, not by
    positions times channels, so that pictures of any size compare; the constant goes into the balance of scores.
    """

    def distance(self, found: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        return (found[1] - target[1]).square().mean()
