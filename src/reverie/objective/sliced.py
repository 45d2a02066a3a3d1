"""Style as a cloud of features, seen from many sides: the sliced Wasserstein distance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Generator, Tensor

from reverie.objective.sampler import Sampled
from reverie.objective.summed import Sizes

DIRECTIONS = 64  # per step; at most as many as channels


@dataclass(frozen=True, eq=False)
class Sliced(Sampled):
    """Minus the mean squared difference of sorted projections, on directions that are drawn anew at every step.

    Unlike moments it knows the whole distribution along each direction.
    Source: Bonneel et al. 2015 (Sliced and Radon Wasserstein Barycenters); as a style Heitz et al. 2021,
    arXiv 2006.07229. Differs: of drawn places, so that it goes tile by tile; directions of one step are orthogonal.

    Attributes:
        target: ``[m, C]`` features of the style; m need not be the number of places.
        directions: ``[C, d]`` of unit length; from `drawn`.
    """

    target: Tensor
    directions: Tensor | None = None

    @property
    def energy(self) -> float:
        return max(self.target.square().mean().item(), 1e-12)

    def drawn(self, generator: Generator, sizes: Sizes) -> Self:
        channels = self.target.shape[1]
        random = torch.randn(channels, min(DIRECTIONS, channels), generator=generator, dtype=torch.float64)
        return replace(super().drawn(generator, sizes), directions=torch.linalg.qr(random).Q)

    def finish(self, sums: Tensor) -> Tensor:
        if not len(sums):
            return sums.new_zeros(())
        assert self.directions is not None
        directions = self.directions.to(self.target)
        here = (sums.to(self.target) @ directions).sort(0).values
        there = quantiles((self.target @ directions).sort(0).values, len(here))
        return -(here - there).square().mean()


def quantiles(sorted_rows: Tensor, count: int) -> Tensor:
    """Return `count` evenly spread quantiles of each sorted column of ``[m, d]``; the same where m is `count`."""
    if len(sorted_rows) == count:
        return sorted_rows
    at = (torch.arange(count, dtype=torch.float64) + 0.5) / count * len(sorted_rows) - 0.5
    at = at.clamp(0, len(sorted_rows) - 1)
    low = at.floor().long().to(sorted_rows.device)
    high = (low + 1).clamp(max=len(sorted_rows) - 1)
    return torch.lerp(sorted_rows[low], sorted_rows[high], (at - at.floor())[:, None].to(sorted_rows))
