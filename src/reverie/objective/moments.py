"""Scores of first and second moments of a layer's features: what all Gaussian-like styles are made of.

A style is its moments ``[C + 1, C + 1]`` (see `reverie.numerics.moment_sums`), divided by the number of positions, so
that the corner is one. Raw moments are linear: those of several styles are blended before anything else is computed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.numerics.moment_sums import moment_sums
from reverie.objective.base import Activations
from reverie.objective.levelled import levelled
from reverie.objective.summed import Places, Summed

LEAST_WEIGHT = 1.0  # of a region, in positions: below it there is nothing to match


@dataclass(frozen=True, eq=False)
class Moments(Summed):
    """Minus a distance of moments to a target's, averaged over channels. Subclasses say which.

    Attributes:
        name: the layer.
        target: ``[C + 1, C + 1]`` float64, from `mean_moments` or `blend`.
        weights: ``[1, 1, h, w]`` over the whole activation, how much each position belongs to the region; or None.
        softmax: level activations first, see `reverie.objective.levelled`.
    """

    name: str
    target: Tensor
    weights: Tensor | None = None
    softmax: bool = False

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def sums(self, activations: Activations, places: Places) -> Tensor:
        activation = activations[self.name]
        share = None if self.weights is None else piece_of(self.weights, activation, places[self.name])
        return moment_sums(levelled(activation) if self.softmax else activation, share)

    def finish(self, sums: Tensor) -> Tensor:
        count = sums[-1, -1].detach()
        if count < LEAST_WEIGHT:
            return sums.new_zeros(())
        target = self.target.to(sums)
        return -self.distance(_split(sums / count), _split(target))

    @abstractmethod
    def distance(self, found: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        """Return how far (mean ``[C]``, raw second moment ``[C, C]``) are from the target's; zero or more."""


def mean_moments(sums: Tensor) -> Tensor:
    """Return moments per position from sums of a whole picture, in float64.

    Raises:
        InputError: no position counts.
    """
    if not sums[-1, -1] > 0:
        raise InputError("the style has no visible area: its mask or its transparency leaves nothing")
    return sums.double() / sums[-1, -1].double()


def blend(moments: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Return the moments of a mixture; weights are shared out by the sum of their magnitudes, negative ones repel.

    Raises:
        InputError: all weights are zero.
    """
    total = sum(abs(weight) for weight in weights)
    if not total > 0:
        raise InputError("all weights of the styles are zero")
    mixed = sum((weight / total) * m for weight, m in zip(weights, moments, strict=True))
    assert isinstance(mixed, Tensor)
    return mixed


def covariance_of(moments: tuple[Tensor, Tensor]) -> Tensor:
    """Return the covariance from mean and raw second moment."""
    mean, second = moments
    return second - torch.outer(mean, mean)


def piece_of(weights: Tensor, activation: Tensor, place: object) -> Tensor:
    """Return the part of ``[1, 1, H, W]`` weights that lies where a piece of an activation does."""
    top, left = place.top, place.left  # type: ignore[attr-defined]
    return weights[..., top : top + activation.shape[-2], left : left + activation.shape[-1]]


def _split(moments: Tensor) -> tuple[Tensor, Tensor]:
    return moments[:-1, -1], moments[:-1, :-1]
