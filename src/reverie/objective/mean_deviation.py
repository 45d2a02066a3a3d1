"""Style as mean and standard deviation of every channel: cheap, and blind to which features go together."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from reverie.objective.moments import Moments

FLAT = 1e-6  # share of the target's mean square below which a variance has no root worth following


@dataclass(frozen=True, eq=False)
class MeanDeviation(Moments):
    """Minus the mean squared differences of channel means and standard deviations.

    Source: Li et al. 2017, arXiv 1701.01036; Huang & Belongie 2017, arXiv 1703.06868, equation 13.
    """

    def distance(self, found: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        least = FLAT * target[1].diagonal().mean().clamp(min=1e-12)
        here, there = (
            (second.diagonal() - mean.square()).clamp(min=0).add(least).sqrt() for mean, second in (found, target)
        )
        return (found[0] - target[0]).square().mean() + (here - there).square().mean()
