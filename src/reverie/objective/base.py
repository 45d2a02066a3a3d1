"""Objectives are values: a score of named activations, higher is better, with arithmetic.

``0.7 * layer("mixed4b") - 0.1 * total_variation()`` exists before any network does. Every objective says which
layers it reads and whether tiles of a picture may be scored separately.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Activations = Mapping[str, Tensor]
Positions = Mapping[str, int]
Tiling = Literal["local", "pooled", "summed", "whole"]
BASE = "base:"  # prefix of what the network sees in the picture that a dream began with


class Objective(ABC):
    """A score of activations. Subclasses are frozen dataclasses.

    `tiling` is ``local`` if the score is a mean over positions, so that the scores of tiles add up to the score of
    the picture; ``pooled`` if it is a function of such means (see `reverie.objective.pooled`), so that tiles need two
    passes; ``summed`` if it is a function of sums over the picture that `reverie.optimize.two_pass` gathers; and
    ``whole`` if it needs the picture in one piece.
    """

    @property
    @abstractmethod
    def layers(self) -> frozenset[str]:
        """Names of the layers that are read."""

    @property
    def base_layers(self) -> frozenset[str]:
        """Names of the layers that are also read of the base picture; they come as ``BASE + name``."""
        return frozenset()

    @property
    def tiling(self) -> Tiling:
        return "local"

    @abstractmethod
    def score(self, activations: Activations, positions: Positions) -> Tensor:
        """Return ``[B]`` scores in float32 (float64 for float64 activations).

        Args:
            activations: ``[B, C, h, w]`` or ``[B, C]`` by layer name.
            positions: number of positions of the *whole* picture by layer name; sums are divided by it, so that
                the scores of the tiles of a picture add up to the score of the picture.
        """

    def __call__(self, activations: Activations) -> Tensor:
        """Return the scores of whole pictures."""
        return self.score(activations, {name: count_positions(a) for name, a in activations.items()})

    def terms(self) -> tuple[tuple[float, Objective], ...]:
        """Return the weighted terms of a sum; an objective alone is one term of weight one."""
        return ((1.0, self),)

    def __add__(self, other: Objective) -> Objective:
        return Sum(self.terms() + other.terms())

    def __sub__(self, other: Objective) -> Objective:
        return self + -1.0 * other

    def __mul__(self, factor: float) -> Objective:
        return Sum(tuple((weight * factor, term) for weight, term in self.terms()))

    def __rmul__(self, factor: float) -> Objective:
        return self * factor

    def __neg__(self) -> Objective:
        return self * -1.0

    def __truediv__(self, divisor: float) -> Objective:
        return self * (1 / divisor)


@dataclass(frozen=True)
class Sum(Objective):
    """A weighted sum of objectives, flat: what ``+``, ``-`` and ``*`` make."""

    parts: tuple[tuple[float, Objective], ...]

    @property
    def layers(self) -> frozenset[str]:
        return frozenset().union(*(term.layers for _, term in self.parts))

    @property
    def base_layers(self) -> frozenset[str]:
        return frozenset().union(*(term.base_layers for _, term in self.parts))

    @property
    def tiling(self) -> Tiling:
        kinds = {term.tiling for _, term in self.parts}
        return next(kind for kind in ("whole", "summed", "pooled", "local") if kind in kinds)

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        scores = [weight * term.score(activations, positions) for weight, term in self.parts]
        total = scores[0]
        for score in scores[1:]:
            total = total + score
        return total

    def terms(self) -> tuple[tuple[float, Objective], ...]:
        return self.parts


@dataclass(frozen=True)
class Custom(Objective):
    """Any function of activations as an objective, for notebooks: ``Custom(("mixed4b",), lambda a: ...)``.

    The function gets the activations by name, in float32, and returns ``[B]`` or a single number.
    """

    names: tuple[str, ...]
    function: Callable[[Activations], Tensor]

    @property
    def layers(self) -> frozenset[str]:
        return frozenset(self.names)

    @property
    def tiling(self) -> Tiling:
        return "whole"

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        return self.function({name: exact(activation) for name, activation in activations.items()})


def exact(activation: Tensor) -> Tensor:
    """Return bf16 and fp16 activations as float32, for sums over many positions; wider ones as they are."""
    return activation if activation.dtype == torch.float64 else activation.float()


def count_positions(activation: Tensor) -> int:
    """Return ``h * w`` of ``[B, C, h, w]``, or 1 of ``[B, C]``."""
    return activation.shape[2] * activation.shape[3] if activation.ndim == 4 else 1


def mean_over_positions(values: Tensor, count: int) -> Tensor:
    """Return the sum over positions (of ``[B, h, w]`` or ``[B]``) divided by `count`."""
    return values.flatten(1).sum(1) / count if values.ndim > 1 else values / count
