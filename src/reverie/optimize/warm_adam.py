"""Adam on the pixels of a picture, with moments that are kept when the picture grows, and averaged iterates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.numerics.resample import resize_wrapped

EPS = 1e-8
BAND_PIXELS = 2**20  # worked at a time where a result would need another buffer of the picture's size
SMALLEST_DECAY = 1e-12


def bands(images: Tensor) -> tuple[Tensor, ...]:
    """Return views of bands of rows of ``[B, C, H, W]``, one below the other, of a million pixels each or fewer."""
    height, width = images.shape[-2:]
    return images.split(max(1, BAND_PIXELS // max(1, width)), -2) if height else (images,)


@dataclass(eq=False)
class WarmAdam:
    """Adam that climbs: pixels move along the gradient of a score, in place.

    When the picture grows, so do the running means: the first as a picture, the second as a smooth positive field.
    Starting them at zero again would shake the picture at every scale.
    Source: Kingma & Ba 2014, arXiv 1412.6980, algorithm 1; kept over scales as in style-transfer-pytorch (2021).

    Attributes:
        lr: step size in [0, 1] pixel units.
        betas: decay of the two running means.
        first: running mean of the gradient, ``[1, 3, H, W]``.
        second: running mean of its square.
        count: steps so far.
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.99)
    first: Tensor | None = None
    second: Tensor | None = None
    count: int = 0

    def step(self, pixels: Tensor, uphill: Tensor) -> None:
        """Move `pixels` one step along `uphill` and keep them in [0, 1]."""
        if self.first is None or self.second is None:
            self.first, self.second = torch.zeros_like(pixels), torch.zeros_like(pixels)
        self.count += 1
        one, two = self.betas
        self.first.lerp_(uphill, 1 - one)
        self.second.mul_(two).addcmul_(uphill, uphill, value=1 - two)
        size = self.lr / (1 - one**self.count)
        for moved, mean, square in zip(*(bands(t) for t in (pixels, self.first, self.second)), strict=True):
            root = square.div(1 - two**self.count).sqrt_().add_(EPS)
            moved.addcdiv_(mean, root, value=size)
        pixels.clamp_(0, 1)

    def grow(self, size: tuple[int, int], wrap: tuple[bool, bool] = (False, False)) -> None:
        """Bring the running means to another picture size, of a picture that may repeat downwards and sideways."""
        if self.first is not None and self.second is not None:
            self.first = resize_wrapped(self.first, size, wrap).contiguous()
            self.second = resize_wrapped(self.second, size, wrap).clamp_(min=0).contiguous()


@dataclass(eq=False)
class Average:
    """Exponential mean of iterates, corrected for its start: what is shown and saved instead of the last iterate.

    Attributes:
        decay: share that stays at every step.
        total: running sum, ``[1, 3, H, W]``.
        weight: sum of the shares so far.
    """

    decay: float = 0.99
    total: Tensor | None = None
    weight: float = 0.0

    def add(self, images: Tensor) -> None:
        """Take up an iterate."""
        if self.total is None:
            self.total = torch.zeros_like(images)
        self.total.lerp_(images, 1 - self.decay)
        self.weight = self.decay * self.weight + 1 - self.decay

    def value(self) -> Tensor:
        """Return the mean, in [0, 1]; a new tensor."""
        assert self.total is not None
        return (self.total / max(self.weight, SMALLEST_DECAY)).clamp_(0, 1)
