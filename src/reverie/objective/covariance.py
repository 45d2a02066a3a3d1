"""Style as the covariance of features: a Gram matrix without the mean."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from reverie.objective.moments import Moments, covariance_of


@dataclass(frozen=True, eq=False)
class Covariance(Moments):
    """Minus the mean squared difference of covariances, and of means.

    Source: Sun & Saenko 2016, arXiv 1607.01719 (CORAL), equation 1, for style; the means keep colors in place.
    """

    def distance(self, found: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        distance = (covariance_of(found) - covariance_of(target)).square().mean()
        return distance + (found[0] - target[0]).square().mean()
