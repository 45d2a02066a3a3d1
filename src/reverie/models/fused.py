"""Parts of frozen networks in float32 on a processor, each a whole number of operations less than what it stands for.

* A convolution and the ReLU behind it are one operation; what is kept for the gradient is its output alone.
* The 1 x 1 convolutions that all branches of an inception block begin with are one wider one.
* Sums of gradients are formed by the convolution that gives the last of them.
* A ReLU before a max pool passes its gradient on where the maximum is positive: decided on the fewer maxima.
* The gradient of a large kernel that skips every other position (the 7 x 7 of stems) is four plain convolutions in one.
* Where that is asked for, 3 x 3 convolutions take a quarter of the multiplications (`reverie.models.winograd`).

They compute the same functions as the modules they are made of, but round differently in the last bits.
Source: oneDNN's post-operations, through torch's own operators for its compiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models import winograd

LARGE = 5  # sides of kernels from which on the gradient of a step of two pays as four convolutions
LANES = 8  # channels that a processor's arithmetic takes at once; a number of outputs is filled up to it
Window = tuple[int, int, int, bool]
"""Side, step, padding, and whether windows may stand out (ceil), of a max pool."""


def available() -> bool:
    """Tell whether torch has the operators here: on x86 with oneDNN."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def convolved(x: Tensor, conv: Kernel, activation: str = "none") -> Tensor:
    """Return the convolution with bias and activation (``relu`` or ``none``) in one operation."""
    if conv.tiled and winograd.pays(x.shape):
        return conv.forward_tiles(x, conv.bias, relu=activation == "relu")
    return _pointwise(x, conv.weight, conv.bias, conv.step, conv.padding, activation)


def _pointwise(x: Tensor, weight: Tensor, bias: Tensor | None, step: int, padding: int, activation: str) -> Tensor:
    return torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, (padding, padding), (step, step), (1, 1), 1, activation, [], ""
    )


def _unread(shape: torch.Size) -> Tensor:
    """Return a picture in the place of an input of which torch reads nothing but shape and layout."""
    return torch.empty(shape, memory_format=torch.channels_last)


def shut(gradient: Tensor, output: Tensor) -> Tensor:
    """Return the gradient where the output of a ReLU is positive, zero elsewhere."""
    return torch.ops.aten.threshold_backward(gradient, output, 0)


def shut_in_place(gradient: Tensor, output: Tensor) -> Tensor:
    """Do what `shut` does in the gradient's own memory, which must be nobody else's."""
    return torch.ops.aten.threshold_backward.grad_input(gradient, output, 0, grad_input=gradient)


class Kernel:
    """A frozen convolution with a square kernel, and what sends gradients back through it.

    Args:
        weight: ``[out, in, k, k]``.
        bias: ``[out]`` or None.
        step: in positions.
        padding: on all sides.
        tiled: apply it as `reverie.models.winograd` does, where that can be done and pays.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, step: int = 1, padding: int = 0, *, tiled: bool = False
    ) -> None:
        self.weight = weight.detach().contiguous(memory_format=torch.channels_last)
        self.bias = None if bias is None else bias.detach()
        self.step, self.padding, side = step, padding, weight.shape[-1]
        centered = side == 2 * padding + 1
        turned = weight.detach().flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
        self.turned = turned if centered and step == 1 else None  # its convolution is the gradient
        self.phases = _phases(self.weight) if centered and step == 2 and side >= LARGE else None
        self.tiled = tiled and winograd.fits(self.weight, step, padding)

    @property
    def tile_bytes(self) -> int:
        """What the kernel takes transformed, for both ways, from its first use on; 0 where it is applied plainly."""
        return 2 * winograd.bytes_of(self.weight) if self.tiled else 0

    @cached_property
    def forward_tiles(self) -> winograd.Winograd:
        """The kernel, transformed."""
        return winograd.Winograd(self.weight)

    @cached_property
    def backward_tiles(self) -> winograd.Winograd:
        """The kernel of the gradient, transformed."""
        assert self.turned is not None
        return winograd.Winograd(self.turned)

    def gradient(self, gradient: Tensor, shape: torch.Size) -> Tensor:
        """Return the gradient with respect to an input of this shape."""
        if self.tiled and winograd.pays(gradient.shape):
            return self.backward_tiles(gradient, None, relu=False)
        if self.turned is not None:
            return _pointwise(gradient, self.turned, None, 1, self.padding, "none")
        if self.phases is not None and shape[-2] % 2 == 0 and shape[-1] % 2 == 0:
            return _from_phases(gradient, self.phases, self.weight.shape[1])
        step, padding = [self.step] * 2, [self.padding] * 2
        return torch.ops.aten.convolution_backward(
            gradient, _unread(shape), self.weight, None, step, padding, [1, 1], False, [0, 0], 1, [True, False, False]
        )[0]


def _phases(weight: Tensor) -> Tensor:
    """Return the kernel ``[4 * in, out, p + 1, p + 1]`` that gives the gradient of the four phases of positions.

    With input ``i = 2 m + r`` and output ``o``, the tap is ``k = i - 2 o + p = 2 (m - o) + r + p``: for each phase
    ``r`` a plain convolution over ``o``, with ``m - o`` from ``p // 2`` down.
    """
    outputs, inputs, side, _ = weight.shape
    padding = side // 2
    found = weight.new_zeros(-(-4 * inputs // LANES) * LANES, outputs, padding + 1, padding + 1)
    for phase in range(4):
        for row in range(padding + 1):
            for column in range(padding + 1):
                places = ((row, phase // 2), (column, phase % 2))
                down, right = (2 * (padding // 2 - t) + r + padding for t, r in places)
                if 0 <= down < side and 0 <= right < side:
                    found[phase * inputs : (phase + 1) * inputs, :, row, column] = weight[:, :, down, right].T
    return found.contiguous(memory_format=torch.channels_last)


def _from_phases(gradient: Tensor, phases: Tensor, channels: int) -> Tensor:
    padding = phases.shape[-1] - 1
    batch, _, height, width = gradient.shape
    found = F.conv2d(F.pad(gradient, (padding // 2, (padding + 1) // 2) * 2), phases)[:, : 4 * channels]
    found = found.unflatten(1, (2, 2, channels)).permute(0, 4, 1, 5, 2, 3)  # b, row, phase, column, phase, channel
    return found.reshape(batch, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)


class _Convolution(torch.autograd.Function):
    """Convolution and ReLU; `later` leaves the ReLU's gradient to the max pool that follows."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, conv: Kernel, later: bool) -> Tensor:
        out = convolved(x, conv, "relu")
        ctx.save_for_backward(*(() if later else (out,)))
        ctx.conv, ctx.shape = conv, x.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        out = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        return ctx.conv.gradient(shut(gradient, out[0]) if out else gradient, ctx.shape), None, None


class FusedConvolution(nn.Module):
    """A convolution with its ReLU.

    Attributes:
        later: the max pool behind it, which alone reads it, takes care of the ReLU's gradient.
    """

    def __init__(self, conv: nn.Conv2d, *, tiled: bool = False) -> None:
        super().__init__()
        self.kernel = kernel_of(conv, tiled=tiled)
        self.later = False

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Its one kernel."""
        return (self.kernel,)

    def forward(self, x: Tensor) -> Tensor:
        return _Convolution.apply(x, self.kernel, self.later)


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, window: Window) -> Tensor:
        out, places = _max_pool(x, window)
        ctx.save_for_backward(out, places)
        ctx.window, ctx.shape = window, x.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        out, places = ctx.saved_tensors
        return _max_pool_gradient(shut(gradients[0], out), ctx.shape, places, ctx.window), None


def _max_pool(x: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    side, step, padding, ceil = window
    return torch.ops.aten.max_pool2d_with_indices(x, [side] * 2, [step] * 2, [padding] * 2, [1, 1], ceil)


def _max_pool_gradient(gradient: Tensor, shape: torch.Size, places: Tensor, window: Window) -> Tensor:
    side, step, padding, ceil = window
    return torch.ops.aten.max_pool2d_with_indices_backward(
        gradient, _unread(shape), [side] * 2, [step] * 2, [padding] * 2, [1, 1], ceil, places
    )


class FusedMaxPool(nn.Module):
    """A max pool that stands behind a ReLU and takes over its gradient."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        return _MaxPool.apply(x, self.window)


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, block: FusedInception) -> Tensor:
        first = convolved(x, block.first, "relu")
        ends, between = [first[:, : block.widths[0]]], []
        for piece, chain in zip(first.split(block.widths, 1)[1:], block.chains, strict=True):
            here = piece.contiguous(memory_format=torch.channels_last)
            for conv in chain:
                here = convolved(here, conv, "relu")
                between.append(here)
            ends.append(between.pop())
        pooled, places = _max_pool(x, block.window)
        ends.append(convolved(pooled, block.pooled, "relu"))
        out = torch.cat(ends, 1)
        ctx.save_for_backward(out, first, places, *between)
        ctx.block, ctx.shape = block, x.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        out, first, places, *between = ctx.saved_tensors
        block: FusedInception = ctx.block
        widths = [block.widths[0], *(chain[-1].weight.shape[0] for chain in block.chains), block.pooled.weight.shape[0]]
        one, *others, last = (
            shut(g, o) for g, o in zip(gradients[0].split(widths, 1), out.split(widths, 1), strict=True)
        )
        starts = [_through(gradient, chain, between) for gradient, chain in zip(others, block.chains, strict=True)]
        joined = shut_in_place(torch.cat([one, *starts], 1), first)
        pooled = block.pooled.gradient(last, last.shape)  # of a 1 x 1 convolution: the shape plays no part
        total = _max_pool_gradient(pooled, ctx.shape, places, block.window)
        return _added(total, joined, block.first), None


def _through(gradient: Tensor, chain: Sequence[Kernel], between: list[Tensor]) -> Tensor:
    """Send a gradient back through the convolutions of a branch; the outputs of all but its last go from `between`."""
    inner = [between.pop(0) for _ in chain[1:]]
    for conv, before in zip(reversed(chain[1:]), reversed(inner), strict=True):
        gradient = shut_in_place(conv.gradient(gradient, before.shape), before)
    return chain[0].gradient(gradient, gradient.shape)


def _added(total: Tensor, gradient: Tensor, conv: Kernel) -> Tensor:
    """Add what goes back through a 1 x 1 convolution to `total`, in its memory."""
    return torch.ops.mkldnn._convolution_pointwise_.binary(
        total, gradient, conv.turned, None, (0, 0), (1, 1), (1, 1), 1, "add", 1.0, None, [], None
    )


class FusedInception(nn.Module):
    """An inception block: 1 x 1 alone, several 1 x 1 with larger ones behind, and a max pool with 1 x 1; joined.

    Args:
        reductions: the 1 x 1 convolutions that read the block's input.
        chains: what follows each but the first of them, with steps of 1 and as many positions out as in.
        pooled: the 1 x 1 convolution behind the max pool.
        window: of the max pool.
        tiled: see `Kernel`.
    """

    def __init__(
        self, reductions: Sequence[nn.Conv2d], chains: Sequence[Sequence[nn.Conv2d]], pooled: nn.Conv2d, window: Window,
        *, tiled: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        biases = [bias_of(conv) for conv in reductions]
        self.first = Kernel(torch.cat([conv.weight for conv in reductions]), torch.cat(biases))
        self.widths = [conv.out_channels for conv in reductions]
        self.chains = [[kernel_of(conv, tiled=tiled) for conv in chain] for chain in chains]
        self.pooled, self.window = kernel_of(pooled), window

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """All kernels of the block."""
        return (self.first, *(kernel for chain in self.chains for kernel in chain), self.pooled)

    def forward(self, x: Tensor) -> Tensor:
        return _Block.apply(x, self)


def kernel_of(conv: nn.Conv2d, *, tiled: bool = False) -> Kernel:
    """Return the frozen kernel of a module that `fits`."""
    return Kernel(conv.weight, conv.bias, conv.stride[0], int(conv.padding[0]), tiled=tiled)


def bias_of(conv: nn.Conv2d) -> Tensor:
    """Return the bias, zeros where there is none."""
    return conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias.detach()


def fits(conv: nn.Module) -> bool:
    """Tell whether a module is a convolution of the plain kind: square, whole, padded by zeros."""
    return (
        type(conv) is nn.Conv2d and conv.groups == 1 and conv.dilation == (1, 1) and conv.padding_mode == "zeros"
        and conv.kernel_size[0] == conv.kernel_size[1] and conv.stride[0] == conv.stride[1]
        and not isinstance(conv.padding, str) and conv.padding[0] == conv.padding[1]
    )  # fmt: skip
