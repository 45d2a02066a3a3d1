"""How similar the pictures of one batch are, in what a layer sees in them, wherever in the picture it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import InputError
from reverie.objective.base import Activations, Objective, Positions, Tiling, exact


@dataclass(frozen=True)
class Likeness(Objective):
    """Mean cosine between the Gram matrix of a picture and those of the others of its batch.

    Source: Olah et al. 2017, "Feature Visualization", doi 10.23915/distill.00007, diversity term.

    Attributes:
        name: the layer.
        pictures: how many the batch holds; each may come in several views, all of one picture behind one another.
    """

    name: str
    pictures: int

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    @property
    def tiling(self) -> Tiling:
        return "whole"

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        views, rest = divmod(a.shape[0], self.pictures)
        if rest or not views:
            raise InputError(f"{a.shape[0]} views cannot be shared out among {self.pictures} pictures")
        if self.pictures == 1:
            return a.new_zeros(a.shape[0])
        flat = a.reshape(self.pictures, views, a.shape[1], -1).transpose(1, 2).flatten(2)
        grams = F.normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1)
        cosines = grams @ grams.T
        others = cosines.sum(1) - torch.diagonal(cosines)
        return (others / (self.pictures - 1)).repeat_interleave(views)


def likeness(name: str, pictures: int) -> Objective:
    """Return how similar the pictures of a batch are to a layer, up to 1 (higher is more similar: subtract it)."""
    return Likeness(name, pictures)
