"""Match the statistics of an artwork's activations: its textures and colors, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.objective.base import Objective, count_positions, exact
from reverie.objective.pooled import Pooled

FORMS = ("moments", "gram")
FLAT = 1e-12  # share of a channel's mean square below which its variance is rounding


@dataclass(frozen=True, eq=False)
class MomentsScore(Pooled):
    """Minus the squared distance of channel means and standard deviations to a target's ``[2, C]``.

    Divided by the target's own sum of squares: 0 is a perfect match, and -1 as far as a picture without activations.
    Source: Li et al. 2017, arXiv 1701.01036 (the statistics of batch normalization as style).
    """

    name: str
    target: Tensor

    def pool(self, activation: Tensor) -> Tensor:
        flat = activation.flatten(2) if activation.ndim > 2 else activation[..., None]
        return torch.stack([flat.sum(2), flat.square().sum(2)], 1)

    def finish(self, means: Tensor) -> Tensor:
        target = self.target.to(means)
        return -(_moments(means) - target).square().flatten(1).sum(1) / target.square().sum()


@dataclass(frozen=True, eq=False)
class GramScore(Pooled):
    """Minus the squared distance of the Gram matrix, a mean over positions, to a target's ``[C, C]``.

    Divided by the target's own sum of squares, as in `MomentsScore`.
    Source: Gatys, Ecker, Bethge 2015, arXiv 1508.06576, equations 3 and 4. Differs: a mean over positions, so that
    pictures of other sizes can be compared.
    """

    name: str
    target: Tensor

    def pool(self, activation: Tensor) -> Tensor:
        flat = activation.flatten(2) if activation.ndim > 2 else activation[..., None]
        return flat @ flat.mT

    def finish(self, means: Tensor) -> Tensor:
        target = self.target.to(means)
        return -(means - target).square().flatten(1).sum(1) / target.square().sum()


def target(name: str, activation: Tensor, form: str = "moments") -> Objective:
    """Return the score of matching the statistics of a target's activation ``[1, C, h, w]``.

    Raises:
        InputError: an unknown form, or a target without any activation in this layer.
    """
    if form not in FORMS:
        raise InputError(f"--target-form must be one of {', '.join(FORMS)}; got '{form}'")
    a = exact(activation.detach())
    if not a.any():
        raise InputError(f"the target excites nothing in layer '{name}'; choose another --target-layer")
    if form == "gram":
        return GramScore(name, (GramScore(name, a).pool(a) / count_positions(a))[0])
    return MomentsScore(name, _moments(MomentsScore(name, a).pool(a) / count_positions(a))[0])


def _moments(means: Tensor) -> Tensor:
    """Return mean and standard deviation ``[B, 2, C]`` from the means of values and squares."""
    mean, square = means.unbind(1)
    variance = square - mean.square()
    flat = variance <= FLAT * square
    deviation = torch.where(flat, torch.ones_like(variance), variance).sqrt()
    return torch.stack([mean, torch.where(flat, torch.zeros_like(deviation), deviation)], 1)
