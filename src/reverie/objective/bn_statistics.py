"""How far activations are from those of the training pictures, by what the network's BatchNorms remember of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.models.norms import NormStatistics
from reverie.objective.base import Activations, Objective, Positions, Tiling, exact


@dataclass(frozen=True, eq=False)
class NormDistance(Objective):
    """Mean over BatchNorms of ``|mean - m| / |s| + |variance - s^2| / |s^2|``, lengths over channels.

    The statistics are those of all pictures and positions together, so every picture gets the same score; a single
    picture's are poor, many crops of it are better.
    Source: Yin et al. 2020, "Dreaming to Distill" (DeepInversion), arXiv 1912.08795, equation 4.
    Differs: each distance is divided by the length of its target: layers count equally, and the weight has no unit.
    """

    targets: tuple[NormStatistics, ...]

    @property
    def layers(self) -> frozenset[str]:
        return frozenset(t.path for t in self.targets)

    @property
    def tiling(self) -> Tiling:
        return "whole"

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        total, count = torch.zeros(()), 1
        for target in self.targets:
            a = exact(activations[target.path])
            total, count = total.to(a) + _distance(a, target), a.shape[0]
        return (total / len(self.targets)).expand(count)


def _distance(a: Tensor, target: NormStatistics) -> Tensor:
    variance, mean = torch.var_mean(a, dim=(0, 2, 3), correction=0)
    wanted_mean, wanted_variance = target.mean.to(a), target.variance.to(a)
    length = torch.linalg.vector_norm
    tiny = torch.finfo(a.dtype).tiny
    off_mean = length(mean - wanted_mean) / wanted_variance.sum().sqrt().clamp_min(tiny)
    return off_mean + length(variance - wanted_variance) / length(wanted_variance).clamp_min(tiny)


def bn_statistics(targets: Sequence[NormStatistics]) -> Objective:
    """Return the distance from the training data (higher is further: subtract it); targets from `Critic.norms`.

    Raises:
        InputError: a network without BatchNorm.
    """
    if not targets:
        raise InputError("this network has no BatchNorm whose statistics could be matched; choose another --prior")
    return NormDistance(tuple(targets))
