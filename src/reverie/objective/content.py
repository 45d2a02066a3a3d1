"""Content as features in their places."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objective.base import BASE, Activations, exact
from reverie.objective.levelled import levelled
from reverie.objective.moments import piece_of
from reverie.objective.summed import Places, Summed

LEAST = 1e-8  # of the content's variance: a flat picture has none


@dataclass(frozen=True, eq=False)
class Content(Summed):
    """Minus the squared distance to the content's features, divided by how much those vary over the picture.

    So -1 is as far as a picture of the mean feature everywhere, on any network and size.
    Source: Gatys, Ecker, Bethge 2015, arXiv 1508.06576, equation 1. Differs: divided by the content's own variance.

    Attributes:
        name: the layer.
        weights: ``[1, 1, h, w]`` over the whole activation, how much each position counts; or None.
        softmax: level activations first, see `reverie.objective.levelled`.
    """

    name: str
    weights: Tensor | None = None
    softmax: bool = False

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    @property
    def base_layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def sums(self, activations: Activations, places: Places) -> Tensor:
        """Return ``[C + 2]``: squared distance, squares of the content, and its sums by channel."""
        here, there = activations[self.name], activations[BASE + self.name]
        here, there = (levelled(here), levelled(there)) if self.softmax else (exact(here), exact(there))
        distance, squares = (here - there).square(), there.square().sum(1)
        if self.weights is not None:
            share = piece_of(self.weights, here, places[self.name]).to(here)
            distance, squares, there = distance * share, squares * share[:, 0], there * share
            count = share.sum()
        else:
            count = distance.new_tensor(float(distance.shape[-2] * distance.shape[-1]))
        return torch.cat([torch.stack([distance.sum(), squares.sum(), count]), there.sum((0, 2, 3))])

    def finish(self, sums: Tensor) -> Tensor:
        distance, squares, count = sums[0], sums[1].detach(), sums[2].detach()
        if count < 1e-3:
            return sums.new_zeros(())
        varies = squares - sums[3:].detach().square().sum() / count
        return -distance / varies.clamp(min=LEAST * squares.clamp(min=1e-12))
