"""Style as a cloud of hypercolumns: the relaxed earth mover's distance, with the moments and colors that go with it.

Every feature of the picture should have a like one in the style, and every one of the style a like one in the picture.
Cosines alone leave magnitudes and colors open, hence the other two.
Source: Kolkin, Salavon, Shakhnarovich 2019 (Style Transfer by Relaxed Optimal Transport and Self-Similarity),
arXiv 1904.12785, equations 2 to 7.
Differs: layers are brought to a common length before they are laid side by side, so that any network will do; the three
scores are terms of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.numerics.nearest_rows import angle_cost, nearest_both_ways, unit_rows
from reverie.objective.sampler import SHORT, Sampled

# BT.601 luma and color differences: the rows of R, G, B
TO_YUV = ((0.299, 0.587, 0.114), (-0.14713, -0.28886, 0.436), (0.615, -0.51499, -0.10001))
DARK = 0.1  # luma below which the angle of a color says little, and its slope explodes
LEAST = 1e-6  # added to squared distances of colors: the root has no slope at zero


@dataclass(frozen=True, eq=False)
class RelaxedMover(Sampled):
    """Minus the relaxed earth mover's distance of hypercolumns at cosine cost.

    Attributes:
        target: ``[m, C]`` hypercolumns of the style, multiplied by the scales of the sampler.
    """

    target: Tensor

    @property
    def energy(self) -> float:
        return 1.0

    def finish(self, sums: Tensor) -> Tensor:
        if not len(sums):
            return sums.new_zeros(())
        here, there = unit_rows(sums.to(self.target), SHORT), unit_rows(self.target, SHORT)
        match, back = nearest_both_ways(here, there, angle_cost)
        forward = 1 - (here * there.index_select(0, match)).sum(1)
        backward = 1 - (here.index_select(0, back) * there).sum(1)  # adds its gradients in order, as [] does not
        return -torch.maximum(forward.mean(), backward.mean())


@dataclass(frozen=True, eq=False)
class PaletteMover(Sampled):
    """Minus the relaxed earth mover's distance of colors, at cosine plus Euclidean cost in a luma and color space.

    Attributes:
        target: ``[m, 3]`` colors of the style, RGB in [0, 1].
    """

    target: Tensor

    @property
    def energy(self) -> float:
        return 1.0

    def finish(self, sums: Tensor) -> Tensor:
        if not len(sums):
            return sums.new_zeros(())
        basis = torch.tensor(TO_YUV, dtype=torch.float64).mT.to(self.target)
        here, there = sums.to(self.target) @ basis, self.target @ basis
        match, back = nearest_both_ways(here, there, _color_costs)
        forward = _color_cost(here, there.index_select(0, match))
        backward = _color_cost(here.index_select(0, back), there)
        return -torch.maximum(forward.mean(), backward.mean())


@dataclass(frozen=True, eq=False)
class SampledMoments(Sampled):
    """Minus mean absolute differences of the means and of the covariances of hypercolumns.

    Attributes:
        target: ``[C + 1, C]``, from `moments_of` hypercolumns of the style.
    """

    target: Tensor

    @property
    def energy(self) -> float:
        return max(self._distance(torch.zeros_like(self.target)).item(), 1e-12)

    def finish(self, sums: Tensor) -> Tensor:
        return -self._distance(moments_of(sums.to(self.target))) if len(sums) else sums.new_zeros(())

    def _distance(self, found: Tensor) -> Tensor:
        difference = (found - self.target).abs()
        return difference[-1].mean() + difference[:-1].mean()


def moments_of(rows: Tensor) -> Tensor:
    """Return ``[C + 1, C]`` of ``[n, C]``: the covariance, and in the last row the mean."""
    mean = rows.mean(0)
    centered = rows - mean
    return torch.cat([centered.mT @ centered / len(rows), mean[None]])


def _color_costs(here: Tensor, there: Tensor) -> Tensor:
    return angle_cost(unit_rows(here, DARK), unit_rows(there, DARK)) + torch.cdist(here, there)


def _color_cost(here: Tensor, there: Tensor) -> Tensor:
    distance = (here - there).square().sum(1)
    return 1 - (unit_rows(here, DARK) * unit_rows(there, DARK)).sum(1) + (distance + LEAST).sqrt()
