"""A picture as plain pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reverie.numerics.resample import resize


class PixelCanvas(nn.Module):
    """Pixels in sRGB, [0, 1].

    Args:
        images: ``[B, 3, H, W]``, float; copied.
    """

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(images.detach().clone())

    @classmethod
    def noise(
        cls, size: tuple[int, int], generator: torch.Generator, *, batch: int = 1, spread: float = 0.02
    ) -> PixelCanvas:
        """Start from grey with a little Gaussian noise of standard deviation `spread`."""
        noise = torch.randn(batch, 3, *size, generator=generator)
        return cls((0.5 + spread * noise).clamp(0, 1))

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[-2], self.pixels.shape[-1]

    def forward(self, view: object | None = None) -> Tensor:
        return self.pixels

    def resized(self, size: tuple[int, int]) -> PixelCanvas:
        """Return the same picture at another size."""
        return PixelCanvas(resize(self.pixels.detach(), size).clamp(0, 1))

    @torch.no_grad()
    def clip_(self) -> None:
        """Bring the pixels back into [0, 1]."""
        self.pixels.clamp_(0, 1)
