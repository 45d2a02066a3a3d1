"""Scores of statistics: functions of means over all positions of a picture, such as moments or a Gram matrix.

The scores of tiles do not add up to such a score, but its gradient can still be had tile by tile, exactly. A first
pass sums the features of all positions. At those means the score is replaced by its tangent, which is a mean over
positions, and the second pass follows that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objective.base import Activations, Objective, Positions, Tiling, count_positions, exact


class Pooled(Objective):
    """A function of the mean over positions of features of one layer. Subclasses are frozen dataclasses."""

    name: str

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    @property
    def tiling(self) -> Tiling:
        return "pooled"

    @abstractmethod
    def pool(self, activation: Tensor) -> Tensor:
        """Return the sums over positions ``[B, ...]`` of the features of ``[B, C, h, w]``."""

    @abstractmethod
    def finish(self, means: Tensor) -> Tensor:
        """Return ``[B]`` scores from the means of the features."""

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        return self.finish(self.pool(a) / count_positions(a))


@dataclass(frozen=True, eq=False)
class Tangent(Objective):
    """The tangent of a pooled score at given means: a mean over positions.

    Only its gradient is of use. Its value is zero, since what tiles with halos would add up to is not the score.
    """

    term: Pooled
    slope: Tensor

    @property
    def layers(self) -> frozenset[str]:
        return self.term.layers

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        pooled = self.term.pool(exact(activations[self.term.name]))
        value = (pooled * self.slope).flatten(1).sum(1) / positions[self.term.name]
        return value - value.detach()


def pooled_terms(objective: Objective) -> tuple[Pooled, ...]:
    """Return those terms of an objective that are functions of means."""
    return tuple(term for _, term in objective.terms() if isinstance(term, Pooled))


def tangent(objective: Objective, means: Sequence[Tensor]) -> tuple[Objective, float]:
    """Return a local objective with the same gradient at these means, and the pooled terms' share of the score.

    Args:
        objective: any whose terms are local or pooled.
        means: of the features of each of `pooled_terms`, in that order.
    """
    total: Objective | None = None
    score, number = 0.0, 0
    for weight, term in objective.terms():
        replacement = term
        if isinstance(term, Pooled):
            leaf = means[number].detach().requires_grad_(True)
            value = term.finish(leaf).sum()
            (slope,) = torch.autograd.grad(value, leaf)
            score += weight * value.item()
            replacement, number = Tangent(term, slope), number + 1
        total = weight * replacement if total is None else total + weight * replacement
    assert total is not None
    return total, score
