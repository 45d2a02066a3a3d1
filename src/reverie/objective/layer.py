"""Make a whole layer stronger: the classic dream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from reverie.errors import InputError
from reverie.objective.base import Activations, Objective, Positions, exact, mean_over_positions

Form = Literal["l2", "mean", "l1"]
FORMS = ("l2", "mean", "l1")


@dataclass(frozen=True)
class LayerScore(Objective):
    """Mean over positions and channels of ``a^2 / 2``, ``a`` or ``|a|``.

    Source: ``l2`` is the original DeepDream (Mordvintsev et al. 2015), where the gradient of the layer is set to the
    activation itself; ``mean`` is the TensorFlow tutorial's.
    """

    name: str
    form: Form = "l2"

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        return mean_over_positions(formed(a, self.form).mean(1), positions[self.name])


def formed(a: Tensor, form: Form) -> Tensor:
    """Return ``a^2 / 2``, ``a`` or ``|a|``."""
    return a.square() / 2 if form == "l2" else a.abs() if form == "l1" else a


def layer(name: str, form: Form = "l2") -> Objective:
    """Return the score of a layer's overall strength."""
    if form not in FORMS:
        raise InputError(f"--objective must be one of {', '.join(FORMS)}; got '{form}'")
    return LayerScore(name, form)
