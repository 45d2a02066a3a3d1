"""What a step of a class picture looks at: many random crops of it at once, each at the network's own input size.

A network trained on whole objects in small pictures should find the object in the whole picture, in its halves and in
its quarters: one step asks for all of it. Differently placed and sized crops also leave no pixel pattern a use.
Source: Fel et al. 2023, arXiv 2306.06805, section 3 (crops and noise).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Views:
    """Ranges that each step draws its crops from; stands where `reverie.optimize.transforms.Transforms` does.

    Attributes:
        crops: how many per picture and step.
        side_px: height and width that each crop is resized to, antialiased.
        smallest, largest: side of a crop as a share of the picture's shorter side.
        spread: standard deviation of a crop's center around the picture's, as a share of the picture.
        noise: standard deviation of added Gaussian noise, for values in [0, 1].
        flip: mirror every second crop, by chance.
    """

    crops: int = 8
    side_px: int = 64
    smallest: float = 0.3
    largest: float = 1.0
    spread: float = 0.3
    noise: float = 0.05
    flip: bool = True

    @property
    def resamples(self) -> bool:
        return True

    def shift(self, generator: Generator) -> tuple[int, int]:
        """Return no shift: crops are placed at random already."""
        return 0, 0

    def look(self, images: Tensor, generator: Generator) -> Tensor:
        """Return ``[B * crops, 3, side, side]``, the crops of a picture one behind the other, differentiable.

        All pictures of a batch are cropped the same way, and get noise of their own.
        """
        height, width = images.shape[-2:]
        views = []
        for top, left, side, mirrored in self._boxes(height, width, generator):
            crop = images[..., top : top + side, left : left + side]
            crop = F.interpolate(crop, (self.side_px, self.side_px), mode="bilinear", antialias=True)
            views.append(crop.flip(-1) if mirrored else crop)
        stacked = torch.stack(views, 1).flatten(0, 1)
        if self.noise > 0:
            stacked = stacked + self.noise * torch.randn(stacked.shape, generator=generator).to(stacked)
        return stacked

    def _boxes(self, height: int, width: int, generator: Generator) -> list[tuple[int, int, int, bool]]:
        """Draw (top, left, side, mirrored) of every crop."""
        shorter = min(height, width)
        share = self.smallest + (self.largest - self.smallest) * torch.rand(self.crops, generator=generator)
        sides = (share * shorter).round().clamp(min(8, shorter), shorter).long()
        centers = 0.5 + self.spread * torch.randn(self.crops, 2, generator=generator)
        mirrored = torch.rand(self.crops, generator=generator) < (0.5 if self.flip else 0.0)
        tops = (centers[:, 0] * height - sides / 2).round().long().clamp_min(0).minimum(height - sides)
        lefts = (centers[:, 1] * width - sides / 2).round().long().clamp_min(0).minimum(width - sides)
        return list(zip(tops.tolist(), lefts.tolist(), sides.tolist(), mirrored.tolist(), strict=True))
