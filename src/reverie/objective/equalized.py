"""Make a whole layer stronger, every channel measured by how strong it usually is."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from reverie.objective.base import Activations, Objective, Positions, exact, mean_over_positions


@dataclass(frozen=True)
class EqualizedScore(Objective):
    """Mean over positions and channels of ``max(0, (a - mean) / std)^power / power``.

    `mean` and `std` ``[C]`` are those of each channel over natural photographs. Without them the few channels that are
    always strong drown all others, and every picture gets the same pattern; with them each feature is raised where it
    is more than usual.
    Differs from the original DeepDream (`LayerScore`, ``l2``), which is this with mean 0 and std 1.
    """

    name: str
    mean: Tensor = field(compare=False)
    std: Tensor = field(compare=False)
    power: float = 2.0

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        shape = (1, -1) + (1,) * (a.ndim - 2)
        unusual = ((a - self.mean.to(a).view(shape)) / self.std.to(a).view(shape)).clamp_min(0)
        raised = unusual.square() / 2 if self.power == 2 else unusual.pow(self.power) / self.power
        return mean_over_positions(raised.mean(1), positions[self.name])


def equalized(name: str, mean: Tensor, std: Tensor, power: float = 2.0) -> Objective:
    """Return the score of a layer whose channels count by how far they are above their usual strength."""
    return EqualizedScore(name, mean, std, power)
