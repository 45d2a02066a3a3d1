"""Normalization by the strength of neighboring channels in one pass over memory, its gradient in another.

``y = x * S^-0.75`` with ``S = 1 + alpha / 5 * sum of five squares``; so with ``q = g * y / S`` a gradient g becomes
``g * S^-0.75 - 1.5 * alpha / 5 * x * (sum of five q)``. Both are computed a block of rows at a time, which stays in the
processor's cache, and the power is made of two square roots.
Source: Krizhevsky et al. 2012, section 3.3.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

BLOCK = 1 << 16  # numbers at once: 256 KiB
NEIGHBORS, POWER = 5, 0.75
SIDE = NEIGHBORS // 2


class _Response(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float, behind_relu: bool) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        out, roots = torch.empty_like(x), torch.empty_like(x)
        places = _Neighbors(x)
        for block, result, root in zip(*(places.blocks(_rows(t)) for t in (x, out, roots)), strict=True):
            strength = places.summed(block, block).mul_(scale).add_(1)
            torch.rsqrt(strength, out=root)
            torch.mul(block, torch.sqrt(root), out=result).mul_(root)
        ctx.save_for_backward(x, roots)
        ctx.scale, ctx.behind_relu = scale, behind_relu
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, roots = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        out, places = torch.empty_like(x), _Neighbors(x)
        parts = [places.blocks(_rows(t)) for t in (x, roots, gradient, out)]
        for block, root, slope, result in zip(*parts, strict=True):
            passed = torch.mul(slope, torch.sqrt(root)).mul_(root)
            square = root.square()
            shared = places.summed(passed * block, square)
            torch.addcmul(passed, block, shared, value=-2 * POWER * ctx.scale, out=result)
            if ctx.behind_relu:
                torch.ops.aten.threshold_backward.grad_input(result, block, 0, grad_input=result)
        return out, None, None


class _Neighbors:
    """Sums of products over a channel and two on either side, a block of rows at a time."""

    def __init__(self, x: Tensor) -> None:
        self.channels = x.shape[1]
        self.count = max(1, BLOCK // self.channels)
        self.room = x.new_zeros(self.count + 1, self.channels + NEIGHBORS - 1)

    def blocks(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Return the blocks of ``[N, C]``."""
        return rows.split(self.count)

    def summed(self, one: Tensor, other: Tensor) -> Tensor:
        """Return ``[n, C]``, a view of own memory, for factors ``[n, C]``."""
        count, width = len(one), self.channels + NEIGHBORS - 1
        torch.mul(one, other, out=self.room[:count, SIDE:-SIDE])
        flat = self.room.view(-1)[: count * width + NEIGHBORS - 1]  # rows end in zeros: what runs over them is not used
        pairs = flat[:-1] + flat[1:]
        total = (pairs[:-2] + pairs[2:])[: count * width] + flat[NEIGHBORS - 1 :]
        return total.view(count, width)[:, : self.channels]


def _rows(x: Tensor) -> Tensor:
    """Return ``[B, C, H, W]`` (channels_last) as ``[B * H * W, C]`` in the same memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


class FusedResponseNorm(nn.Module):
    """What `reverie.models.caffe_googlenet.ResponseNorm` computes.

    Attributes:
        behind_relu: it takes care of the gradient of the ReLU before it, which it alone reads.
    """

    def __init__(self, norm: nn.LocalResponseNorm) -> None:
        super().__init__()
        self.scale, self.behind_relu = norm.alpha / NEIGHBORS, False

    def forward(self, x: Tensor) -> Tensor:
        return _Response.apply(x, self.scale, self.behind_relu)


def fits(norm: nn.Module) -> bool:
    """Tell whether a norm is of the kind that is computed here."""
    known = isinstance(norm, nn.LocalResponseNorm)
    return known and (norm.size, norm.beta, norm.k) == (NEIGHBORS, POWER, 1.0)
