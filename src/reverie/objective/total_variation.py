"""Smoothness of the picture itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reverie.objective.base import Activations, Objective, Positions, exact

IMAGE = "image"


@dataclass(frozen=True)
class TotalVariation(Objective):
    """Mean over pixels of ``(|dx|^2 + |dy|^2 + eps)^(beta / 2)``; subtract it to smooth a picture.

    Source: Mahendran & Vedaldi 2014, arXiv 1412.0035, equation 4; ``beta=2`` is smooth, ``beta=1`` keeps edges.

    Attributes:
        beta: exponent.
        wrap: whether the picture repeats downwards and sideways, so that its last row has the first below it.
    """

    beta: float = 2.0
    wrap: tuple[bool, bool] = (False, False)

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({IMAGE})

    def bands(self, images: Tensor, pixels: int) -> Iterator[tuple[Tensor, tuple[slice, ...], TotalVariation]]:
        """Yield bands of rows of ``[B, C, H, W]``, where they lie, and what to score on them; the scores add up.

        Each has the first row of the next one below it. A picture of no more than `pixels` is one band.
        """
        height, width = images.shape[-2:]
        rows = max(1, pixels // width)
        if rows >= height:
            yield images, (slice(0, height),), self
            return
        flat = replace(self, wrap=(False, self.wrap[1]))
        for first in range(0, height if self.wrap[0] else height - 1, rows):
            last = min(first + rows, height)
            within = slice(first, min(last + 1, height))
            if last < height or not self.wrap[0]:
                yield images[..., within, :], (within,), flat
            else:
                yield torch.cat([images[..., first:, :], images[..., :1, :]], -2), (within, slice(0, 1)), flat

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        x = exact(activations[IMAGE])
        if any(self.wrap):
            down, right = self.wrap
            x = torch.cat([x, x[..., :1, :]], -2) if down else x
            x = torch.cat([x, x[..., :1]], -1) if right else x
        across = (x[..., :-1, 1:] - x[..., :-1, :-1]).square()
        down = (x[..., 1:, :-1] - x[..., :-1, :-1]).square()
        variation = across + down
        if self.beta != 2:
            variation = (variation + 1e-8) ** (self.beta / 2)
        return variation.mean(1).flatten(1).sum(1) / positions[IMAGE]


def total_variation(beta: float = 2.0, wrap: tuple[bool, bool] = (False, False)) -> Objective:
    """Return how rough a picture is (higher is rougher: subtract it)."""
    return TotalVariation(beta, wrap)
