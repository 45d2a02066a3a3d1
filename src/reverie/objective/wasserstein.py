"""Style as a Gaussian of features: the Wasserstein-2 distance between two of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.numerics.gaussian_distance import root_of, trace_of_root, trace_of_root_by_iteration
from reverie.objective.moments import Moments, covariance_of

RIDGE = 1e-4  # added to the diagonal, relative to the target's mean variance: directions without features stay tame


@dataclass(frozen=True, eq=False)
class Wasserstein(Moments):
    """Minus the squared Wasserstein-2 distance, divided by the number of channels.

    Source: formula in `reverie.numerics.gaussian_distance`; as a style in style-transfer-pytorch (2023).
    Differs: exact in float64 with its analytic gradient, unless `iterated`, which is the short Newton-Schulz form.
    """

    iterated: bool = False

    def distance(self, found: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        ridge, trace, root = (x.to(found[1]) for x in self._of_target)
        here = covariance_of(found) + ridge
        traced = trace_of_root_by_iteration if self.iterated else trace_of_root
        distance = here.diagonal().sum() + trace - 2 * traced(here, root)
        return ((found[0] - target[0]).square().sum() + distance) / len(here)

    @functools.cached_property
    def _of_target(self) -> tuple[Tensor, Tensor, Tensor]:
        """The ridge, and trace and root of the target's covariance with it: the same at every step."""
        there = covariance_of((self.target[:-1, -1], self.target[:-1, :-1]))
        ridge = RIDGE * there.diagonal().mean().clamp(min=0) * torch.eye(len(there)).to(there)
        return ridge, (there + ridge).diagonal().sum(), root_of(there + ridge)
