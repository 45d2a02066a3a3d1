"""Scores of sums over a whole picture, of which every piece of the picture knows its part.

A Gram matrix is a sum over all positions; so is, position by position, a list of features sampled at given places,
in which every piece fills in its own rows and leaves the others zero. Whatever is computed from such sums has an exact
gradient at bounded memory: add up the sums piece by piece, compute score and slope from them alone, then send the
slope back through every piece. `reverie.optimize.two_pass` does that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reverie.objective.base import Activations, Objective, Positions, Sum, Tiling

Sizes = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Place:
    """Where a piece of an activation lies: its first row and column in the whole, and the size of the whole."""

    top: int
    left: int
    size: tuple[int, int]


Places = Mapping[str, Place]


class Summed(Objective):
    """A function of sums over all positions, of one layer or several. Subclasses are frozen dataclasses."""

    @property
    def tiling(self) -> Tiling:
        return "summed"

    @abstractmethod
    def sums(self, activations: Activations, places: Places) -> Tensor:
        """Return what a piece adds to the sums of the whole; of any shape, the same for every piece.

        Args:
            activations: ``[1, C, h, w]`` by layer name, cut to the piece; they may be bf16.
            places: where the piece lies, by layer name.
        """

    @abstractmethod
    def finish(self, sums: Tensor) -> Tensor:
        """Return the score, a number, from the sums of the whole, which come in float64."""

    @property
    def draws(self) -> bool:
        """Whether there is something to draw at every step."""
        return False

    def drawn(self, generator: Generator, sizes: Sizes) -> Summed:
        """Return the objective of one step: with new random places or directions, if it has any.

        Args:
            generator: the same seed gives the same draws.
            sizes: height and width of the whole activation by layer name.
        """
        return self

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        """Return ``[B]``, each picture by its own sums; what stands for all, as a base does, has a batch of 1."""
        count = max(len(activations[name]) for name in self.layers)
        return torch.stack([self._score_of(activations, i) for i in range(count)])

    def _score_of(self, activations: Activations, number: int) -> Tensor:
        own = {name: a if len(a) == 1 else a[number : number + 1] for name, a in activations.items()}
        places = {
            name: Place(0, 0, (a.shape[-2], a.shape[-1]) if a.ndim == 4 else (1, 1))
            for name, a in own.items()
            if name in self.layers
        }
        return self.finish(self.sums(own, places).double())


def with_draws(objective: Objective, generator: Generator, sizes: Sizes) -> Objective:
    """Return an objective with the random places and directions of one step, the same for all of its terms.

    One without any is returned as it is, and takes nothing from the generator.
    """
    terms = objective.terms()
    if not any(isinstance(term, Summed) and term.draws for _, term in terms):
        return objective
    seed = int(torch.randint(2**62, (), generator=generator).item())
    drawn = tuple(
        (weight, term.drawn(Generator().manual_seed(seed), sizes) if isinstance(term, Summed) else term)
        for weight, term in terms
    )
    return Sum(drawn)
