"""Several networks that raise a score of the same picture: what one alone is fooled by, another does not follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Generator, Tensor

from reverie.optimize.gradient import Ascent


class Slope(Protocol):
    """Which way is up for a canvas, as its network sees it, or several do."""

    def slope(self, images: Tensor, generator: Generator) -> tuple[float, Tensor]:
        """Return the score and its gradient ``[B, 3, H, W]`` for pictures in [0, 1]."""
        ...


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks whose scores are added: ``sum_n w_n * score_n``, each over views of its own.

    Attributes:
        members: weight and ascent of each network. A score is a sum over views, so that by weights of 1 / views all
            networks count equally.
    """

    members: Sequence[tuple[float, Ascent]]

    def slope(self, images: Tensor, generator: Generator) -> tuple[float, Tensor]:
        """Return the weighted sums; views are drawn for one network after the other."""
        found = [(weight, *ascent.slope(images, generator)) for weight, ascent in self.members]
        score = sum(weight * own for weight, own, _ in found)
        weight, _, uphill = found[0]
        uphill = weight * uphill
        for weight, _, more in found[1:]:
            uphill = uphill + weight * more
        return score, uphill
