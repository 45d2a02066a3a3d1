"""Style as pieces to build from: every feature of the picture is drawn to the one of the style that is most like it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.numerics.nearest_rows import angle_cost, nearest_rows, unit_rows
from reverie.objective.base import BASE, Activations
from reverie.objective.sampler import SHORT, Sampled
from reverie.objective.summed import Places


@dataclass(frozen=True, eq=False)
class Nearest(Sampled):
    """Minus the mean cosine distance of hypercolumns to the nearest of the style's.

    Nearest is what has the least angle when both clouds are centered on their means; then both are compared relative
    to the style's mean.
    Source: Kolkin et al. 2022 (Neural Neighbor Style Transfer), arXiv 2203.13215, section 3.
    Differs: at drawn places, matched anew at every step; layers are brought to a common length first.

    Attributes:
        target: ``[m, C]`` hypercolumns of the style, multiplied by the scales of the sampler.
        keep: share of the content's features in what is looked up: from 0, the picture alone, to 1.
    """

    target: Tensor
    keep: float = 0.0

    @property
    def base_layers(self) -> frozenset[str]:
        return self.layers if self.keep else frozenset()

    @property
    def energy(self) -> float:
        return 1.0

    def sums(self, activations: Activations, places: Places) -> Tensor:
        """Return ``[n, C]``, or ``[n, 2 C]`` with the content's features at the same places."""
        found = [self.sampler.features(activations, places, prefix) for prefix in ("", BASE)[: 1 + bool(self.keep)]]
        return torch.cat(found, 1)

    def finish(self, sums: Tensor) -> Tensor:
        if not len(sums):
            return sums.new_zeros(())
        here, *content = sums.to(self.target).split(self.target.shape[1], 1)
        sought = torch.lerp(here, content[0], self.keep) if content else here
        middle = self.target.mean(0)
        there = unit_rows(self.target - middle, SHORT)
        match = nearest_rows(unit_rows(sought - sought.mean(0), SHORT), there, angle_cost)
        return -(1 - (unit_rows(here - middle, SHORT) * there[match]).sum(1)).mean()
