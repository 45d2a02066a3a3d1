"""Mean and deviation of channels from sums over pieces, so that a picture in tiles is normalized as in one piece."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class SpreadSums:
    """Adds up ``[1, C, h, w]`` piece by piece, in float64."""

    total: Tensor | None = field(default=None, repr=False)
    count: int = 0

    def add(self, piece: Tensor) -> None:
        """Count the positions of one piece."""
        values = piece.float()
        found = [x.sum((0, 2, 3), dtype=torch.float64) for x in (values, values.square())]
        sums = torch.stack(found)
        self.total = sums if self.total is None else self.total + sums
        self.count += piece.shape[2] * piece.shape[3]

    def spread(self, epsilon: float) -> tuple[Tensor, Tensor]:
        """Return mean and deviation ``[1, C, 1, 1]`` in float32; `epsilon` is added to the variance."""
        assert self.total is not None
        mean, square = self.total / self.count
        std = ((square - mean.square()).clamp(min=0) + epsilon).sqrt()
        return mean.float()[None, :, None, None], std.float()[None, :, None, None]
