"""Content as which places are similar, whatever they look like."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.numerics.nearest_rows import unit_rows
from reverie.objective.base import BASE, Activations
from reverie.objective.sampler import SHORT, Sampled
from reverie.objective.summed import Places

LEAST = 1e-3  # of the variation of the content's similarities: a flat picture has none
FLAT = 1e-8  # added to mean distances: they are zero where all places are the same


@dataclass(frozen=True, eq=False)
class SelfSimilarity(Sampled):
    """Minus the mean absolute difference of normalized distances between places, to those of the content picture.

    Distances are cosine distances of hypercolumns; each column of their matrix is divided by its mean.
    Source: Kolkin, Salavon, Shakhnarovich 2019, arXiv 1904.12785, equation 8.
    Differs: divided by how much the content's own normalized distances vary, so that -1 is as far as a picture whose
    places are all equally unlike.

    Attributes:
        kind: of the arithmetic; float32 is enough for features and takes half the time.
    """

    kind: torch.dtype = torch.float32

    @property
    def base_layers(self) -> frozenset[str]:
        return self.layers

    @property
    def energy(self) -> float:
        return 1.0

    def sums(self, activations: Activations, places: Places) -> Tensor:
        """Return ``[n, 2 C]``: hypercolumns of the picture, and of the content at the same places."""
        return torch.cat([self.sampler.features(activations, places, prefix) for prefix in ("", BASE)], 1)

    def finish(self, sums: Tensor) -> Tensor:
        if not len(sums):
            return sums.new_zeros(())
        here, there = sums.to(self.kind).chunk(2, 1)
        wanted = distances(there.detach())
        varies = (wanted - 1).abs().mean()
        return -(distances(here) - wanted).abs().mean() / varies.clamp(min=LEAST)


def distances(rows: Tensor) -> Tensor:
    """Return cosine distances ``[n, n]`` between rows, each column divided by its mean."""
    unit = unit_rows(rows, SHORT)
    found = (1 - unit @ unit.mT).clamp(min=0)
    return found / (found.mean(0) + FLAT)
