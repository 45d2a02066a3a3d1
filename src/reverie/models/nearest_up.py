"""Doubling every position and convolving with 3 x 3, as one transposed convolution: 4/9 of the products.

Doubling is a transposed convolution with a 2 x 2 kernel of ones, so that the two together are one with a 4 x 4 kernel,
the 3 x 3 one smeared by 2 x 2. Mirroring the doubled picture by one position repeats the border of the small one.
The function is the same as that of the two steps, to rounding, and draws no checkerboard either.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.adaptive import Padded


def nearest_up(layer: Padded, x: Tensor) -> Tensor:
    """Return ``[B, outputs, 2 H, 2 W]``: `layer`, of 3 x 3 and stride 1, applied to `x` with every position doubled."""
    outputs, inputs = layer.weight.shape[:2]
    smeared = layer.weight.transpose(0, 1).reshape(inputs * outputs, 9) @ _smearing().to(x)
    wide = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return F.conv_transpose2d(wide, smeared.view(inputs, outputs, 4, 4), layer.bias, stride=2, padding=3)


def _smearing() -> Tensor:
    """Return ``[9, 16]``: each weight of 3 x 3 added to the four of 4 x 4 that it smears to, turned around."""
    line = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
    return torch.einsum("ik,jl->klij", line, line).flip(2, 3).reshape(9, 16)
