"""What a network sees: pictures in [0, 1], shifted and scaled per channel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation per channel, for RGB in [0, 1]."""

    mean: Triple
    std: Triple

    def __call__(self, images: Tensor) -> Tensor:
        """Return normalized pictures ``[B, 3, H, W]``."""
        mean = torch.tensor(self.mean, device=images.device).view(1, 3, 1, 1)
        return (images - mean) / torch.tensor(self.std, device=images.device).view(1, 3, 1, 1)
