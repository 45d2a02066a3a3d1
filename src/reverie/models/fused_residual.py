"""A residual block of a frozen network: convolutions with their ReLUs, the last added to the input before its ReLU.

The sum and its ReLU are part of the last convolution, and on the way back the sum of gradients is part of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from reverie.models import winograd
from reverie.models.fused import Kernel, convolved, kernel_of, shut, shut_in_place


class _Residual(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, block: FusedResidual) -> Tensor:
        inner: list[Tensor] = []
        here = x
        for conv in block.chain[:-1]:
            here = convolved(here, conv, "relu")
            inner.append(here)
        shortcut = x if block.shortcut is None else convolved(x, block.shortcut)
        out = _joined(here, block.chain[-1], shortcut)
        ctx.save_for_backward(out, *inner)
        ctx.block, ctx.shape = block, x.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        out, *inner = ctx.saved_tensors
        block: FusedResidual = ctx.block
        arrived = shut(gradients[0].contiguous(memory_format=torch.channels_last), out)
        gradient = arrived
        for conv, before in zip(reversed(block.chain[1:]), reversed(inner), strict=True):
            gradient = shut_in_place(conv.gradient(gradient, before.shape), before)
        straight = arrived if block.shortcut is None else block.shortcut.gradient(arrived, ctx.shape)
        return straight.add_(block.chain[0].gradient(gradient, ctx.shape)), None


def _joined(x: Tensor, conv: Kernel, shortcut: Tensor) -> Tensor:
    """Return ``relu(conv(x) + shortcut)``."""
    if conv.tiled and winograd.pays(x.shape):
        return conv.forward_tiles(x, conv.bias, relu=True, added=shortcut)
    sides, steps = (conv.padding, conv.padding), (conv.step, conv.step)
    return torch.ops.mkldnn._convolution_pointwise.binary(
        x, shortcut, conv.weight, conv.bias, sides, steps, (1, 1), 1, "add", 1.0, "relu", [], ""
    )


class FusedResidual(nn.Module):
    """Several convolutions, each but the last with a ReLU, joined with the input and a ReLU.

    Args:
        chain: the convolutions.
        shortcut: the convolution of the input before it is added, if it changes size or channels.
    """

    def __init__(self, chain: Sequence[nn.Conv2d], shortcut: nn.Conv2d | None) -> None:
        super().__init__()
        self.chain = [kernel_of(conv, tiled=True) for conv in chain]
        self.shortcut = None if shortcut is None else kernel_of(shortcut, tiled=True)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """All kernels of the block."""
        return tuple(self.chain) if self.shortcut is None else (*self.chain, self.shortcut)

    def forward(self, x: Tensor) -> Tensor:
        return _Residual.apply(x, self)
