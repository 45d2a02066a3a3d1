"""Features at places of a picture that are drawn anew at every step: what scores of nearest features are made of.

A place is a point of the picture; a layer is read at the position whose cell holds it. Laid side by side, the layers
of one place are its hypercolumn, a row. Every piece of a picture fills in the rows and layers that lie in it and
leaves the rest zero, so the sum over the pieces is the matrix of all rows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Generator, Tensor

from reverie.objective.base import Activations, Positions, exact
from reverie.objective.levelled import levelled
from reverie.objective.summed import Place, Places, Sizes, Summed
from reverie.objective.total_variation import IMAGE

SHORT = 0.3  # of a hypercolumn, where `shared_scales` makes one long: dark and flat places get no larger slopes


@dataclass(frozen=True, eq=False)
class Sampler:
    """Where features are read, and from which layers.

    Attributes:
        names: the layers, in the order of their columns.
        count: number of places.
        weights: ``[1, 1, h, w]`` over the whole picture, how probable a place in each cell is; the same everywhere if
            absent.
        scales: one factor per layer that its features are multiplied by; none are if absent.
        softmax: level activations first, see `reverie.objective.levelled`.
        at: ``[count, 2]`` float64 in [0, 1), places as shares of height and width; from `drawn`.
    """

    names: tuple[str, ...]
    count: int
    weights: Tensor | None = None
    scales: tuple[float, ...] = ()
    softmax: bool = False
    at: Tensor | None = None

    def drawn(self, generator: Generator) -> Sampler:
        """Return a sampler with new places; with none where all weights are zero."""
        inside = torch.rand(self.count, 2, generator=generator, dtype=torch.float64)
        if self.weights is None:
            return replace(self, at=inside)
        chosen = torch.rand(self.count, generator=generator, dtype=torch.float64)
        grid = self.weights[0, 0].detach().cpu()
        reached = grid.double().flatten().cumsum(0)
        if not reached[-1] > 0:
            return replace(self, at=inside[:0])
        # `right` never ends in a cell of weight zero, except behind the last one, by rounding
        cells = torch.searchsorted(reached, chosen * reached[-1], right=True).clamp(max=grid.numel() - 1)
        corners = torch.stack([cells // grid.shape[1], cells % grid.shape[1]], 1)
        return replace(self, at=(corners + inside) / torch.tensor(grid.shape, dtype=torch.float64))

    def features(self, activations: Activations, places: Places, prefix: str = "") -> Tensor:
        """Return ``[n, C]`` features of a piece, with the channels of all layers side by side; zero elsewhere.

        Args:
            activations: ``[1, C, h, w]`` by layer name, cut to the piece.
            places: where the piece lies, by layer name.
            prefix: of the names in `activations`: `BASE` for those of the content picture.
        """
        assert self.at is not None, "places are drawn before features are read"
        scales = self.scales or (1.0,) * len(self.names)
        return torch.cat(
            [
                self._rows(activations[prefix + name], places[name], level=self.softmax and name != IMAGE) * scale
                for name, scale in zip(self.names, scales, strict=True)
            ],
            1,
        )

    def _rows(self, activation: Tensor, place: Place, *, level: bool) -> Tensor:
        assert self.at is not None
        rows, columns = positions_of(self.at, place.size)
        rows, columns = rows - place.top, columns - place.left
        height, width = activation.shape[-2:]
        inside = ((rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)).nonzero()[:, 0]
        # every cell once: gradients of one that is read twice would be added in any order
        cells, again = (rows[inside] * width + columns[inside]).to(activation.device).unique(return_inverse=True)
        found = exact(activation[0][:, cells // width, cells % width].mT).index_select(0, again)
        if level:
            found = levelled(found[..., None, None])[..., 0, 0]
        return found.new_zeros(len(self.at), found.shape[1]).index_copy(0, inside.to(found.device), found)


@dataclass(frozen=True, eq=False)
class Sampled(Summed):
    """A score of features at places that are drawn anew at every step. Subclasses are frozen dataclasses."""

    sampler: Sampler

    @property
    def layers(self) -> frozenset[str]:
        return frozenset(self.sampler.names)

    @property
    @abstractmethod
    def energy(self) -> float:
        """How large the score's magnitude is between unrelated pictures, about; more than zero."""

    @property
    def draws(self) -> bool:
        return True

    def drawn(self, generator: Generator, sizes: Sizes) -> Self:
        return replace(self, sampler=self.sampler.drawn(generator))

    def sums(self, activations: Activations, places: Places) -> Tensor:
        return self.sampler.features(activations, places)

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        """Return ``[B]`` scores at the places drawn; seed 0 draws them where nobody did, as in a call by hand."""
        if self.sampler.at is not None:
            return super().score(activations, positions)
        return self.drawn(Generator().manual_seed(0), {}).score(activations, positions)


@dataclass(frozen=True, eq=False)
class Samples(Sampled):
    """No score, only the features: the sums of a style's picture are what other scores compare with."""

    @property
    def energy(self) -> float:
        return 1.0

    def finish(self, sums: Tensor) -> Tensor:
        return sums.new_zeros(())


def positions_of(at: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return row and column of the cells of a layer of `size` that hold places given as shares."""
    rows, columns = ((at[:, k] * n).long().clamp(max=n - 1) for k, n in enumerate(size))
    return rows, columns


def shared_scales(blocks: Sequence[Tensor], weights: Sequence[float]) -> tuple[float, ...]:
    """Return factors by which layers' features become rows whose mean squared lengths are as the weights.

    Args:
        blocks: ``[n, C]`` features of each layer.
        weights: how much each layer counts in a hypercolumn; not negative.
    """
    total = sum(weights)
    lengths = [block.double().square().sum(1).mean().item() for block in blocks]
    least = 1e-12 * max(1e-12, *lengths)
    return tuple((w / total / max(length, least)) ** 0.5 for w, length in zip(weights, lengths, strict=True))
