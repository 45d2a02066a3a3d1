"""A canvas of which only a part is free."""

from __future__ import annotations

from torch import Tensor, nn


class MaskedCanvas(nn.Module):
    """Another canvas inside a soft mask, fixed pictures outside: the critic sees what will be kept.

    Args:
        inner: any canvas.
        images: ``[B, 3, H, W]`` in [0, 1], shown where the mask is zero.
        mask: ``[1 or B, 1, H, W]`` in [0, 1].
    """

    fixed: Tensor
    mask: Tensor

    def __init__(self, inner: nn.Module, images: Tensor, mask: Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("fixed", images)
        self.register_buffer("mask", mask)

    def forward(self, view: object | None = None) -> Tensor:
        return self.fixed + self.mask * (self.inner(view) - self.fixed)
