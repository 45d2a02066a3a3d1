"""Make single channels stronger, everywhere or at one position."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import LayerError
from reverie.objective.base import Activations, Objective, Positions, exact, mean_over_positions
from reverie.objective.layer import Form, formed


@dataclass(frozen=True)
class ChannelScore(Objective):
    """Mean over positions of chosen channels, in a form of the layer score (``mean`` is Lucid's)."""

    name: str
    channels: tuple[int, ...]
    form: Form = "mean"

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = activations[self.name]
        check_channels(self.name, self.channels, a.shape[1])
        a = exact(a[:, list(self.channels)])
        return mean_over_positions(formed(a, self.form).mean(1), positions[self.name])


@dataclass(frozen=True)
class NeuronScore(Objective):
    """One channel at one place, given as shares of height and width; the center by default."""

    name: str
    channel: int
    y: float = 0.5
    x: float = 0.5

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    @property
    def tiling(self) -> str:  # type: ignore[override]
        return "whole"

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = activations[self.name]
        check_channels(self.name, (self.channel,), a.shape[1])
        if a.ndim == 2:
            return exact(a[:, self.channel])
        row = min(a.shape[2] - 1, int(self.y * a.shape[2]))
        column = min(a.shape[3] - 1, int(self.x * a.shape[3]))
        return exact(a[:, self.channel, row, column])


@dataclass(frozen=True, eq=False)
class DirectionScore(Objective):
    """How much and how purely activations point in a direction: mean of ``dot * max(0.1, cossim) ** power``.

    Source: Olah et al., Lucid issue 116; ``power=0`` is the plain dot product.
    """

    name: str
    direction: Tensor
    power: float = 1.0

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        v = self.direction.to(a).view(1, -1, *[1] * (a.ndim - 2))
        dot = (a * v).sum(1)
        if self.power == 0:
            return mean_over_positions(dot, positions[self.name])
        length = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(v)
        return mean_over_positions(pure(dot, length, self.power), positions[self.name])


def pure(dot: Tensor, length: Tensor, power: float) -> Tensor:
    """Return ``dot * max(0.1, cossim) ** power`` from dot products and the products of both vectors' lengths."""
    cosine = dot / length.clamp_min(torch.finfo(torch.float32).tiny)
    return dot * cosine.clamp_min(0.1) ** power


def channel(name: str, *channels: int, form: Form = "mean") -> Objective:
    """Return the score of one or several channels of a layer."""
    return ChannelScore(name, channels, form)


def neuron(name: str, channel: int, y: float = 0.5, x: float = 0.5) -> Objective:
    """Return the score of one channel at one place (shares of height and width)."""
    return NeuronScore(name, channel, y, x)


def direction(name: str, vector: Tensor, power: float = 1.0) -> Objective:
    """Return the score of a direction ``[C]`` in a layer's space."""
    return DirectionScore(name, vector, power)


def check_channels(name: str, channels: tuple[int, ...], available: int) -> None:
    """Raise `LayerError` for a channel that a layer does not have."""
    wrong = [c for c in channels if not 0 <= c < available]
    if wrong:
        raise LayerError(f"layer '{name}' has channels 0 to {available - 1}; got {wrong[0]}")
