"""Shapes of a network's outputs without arithmetic: a pass on the meta device that does not wake torch's compiler.

Several of torch's operations answer on the meta device through Python code that imports the compiler and a computer
algebra system, more than a second of every start. Their shapes are a line of arithmetic each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Sides = int | Sequence[int]


class ShapesOnly(TorchFunctionMode):
    """Within this context the operations of `SHAPES` on meta tensors are shapes only; all others are torch's own."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        shape = SHAPES.get(func)
        if shape is not None and _is_meta(args):
            out = shape(*args, **kwargs)
            if out is not None:
                return out
        return func(*args, **kwargs)


def _is_meta(args: Sequence[Any]) -> bool:
    first = args[0] if args else None
    return getattr(first[0] if isinstance(first, (list, tuple)) and first else first, "is_meta", False)


def _conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sides = 1, padding: Sides | str = 0,
    dilation: Sides = 1, groups: int = 1,
) -> Tensor | None:  # fmt: skip
    """Return an output of the right shape, or None where torch has to say what is wrong with the arguments."""
    if isinstance(padding, str) or x.ndim != 4 or x.shape[1] != weight.shape[1] * groups:
        return None
    return _slid(x, weight.shape[0], tuple(weight.shape[2:]), stride, padding, dilation, False)


def _max_pool2d(
    x: Tensor, kernel_size: Sides, stride: Sides | None = None, padding: Sides = 0, dilation: Sides = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Tensor | None:  # fmt: skip
    if return_indices:
        return None
    return _slid(x, x.shape[1], kernel_size, stride or kernel_size, padding, dilation, ceil_mode)


def _avg_pool2d(
    x: Tensor, kernel_size: Sides, stride: Sides | None = None, padding: Sides = 0, ceil_mode: bool = False, *_: Any
) -> Tensor | None:
    return _slid(x, x.shape[1], kernel_size, stride or kernel_size, padding, 1, ceil_mode)


def _slid(
    x: Tensor, channels: int, kernel: Sides, stride: Sides, padding: Sides, dilation: Sides, ceil_mode: bool
) -> Tensor | None:
    """Return what a window that slides over ``[B, C, H, W]`` gives; None where it finds no place or x is no such."""
    if x.ndim != 4:
        return None
    places = []
    for n, k, s, p, d in zip(x.shape[2:], *map(_pair, (kernel, stride, padding, dilation)), strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = (room + (s - 1 if ceil_mode else 0)) // s + 1
        places.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)  # none begins in the far padding
    return x.new_empty((x.shape[0], channels, *places)) if min(places) > 0 else None


def _pair(sides: Sides) -> Sequence[int]:
    pair = (sides,) if isinstance(sides, int) else tuple(sides)
    return pair * 2 if len(pair) == 1 else pair


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor | None:
    return x.new_empty((*x.shape[:-1], weight.shape[0])) if x.shape[-1] == weight.shape[1] else None


def _same(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x.new_empty(x.shape)


def _elementwise(x: Tensor, other: Any, **_: Any) -> Tensor | None:
    fits = isinstance(other, (int, float)) or (isinstance(other, Tensor) and other.shape == x.shape)
    return x.new_empty(x.shape) if fits else None


def _pad(x: Tensor, pad: Sequence[int], *_: Any, **__: Any) -> Tensor | None:
    shape = list(x.shape)
    for i in range(len(pad) // 2):  # pairs from the last dimension on
        shape[-1 - i] += pad[2 * i] + pad[2 * i + 1]
    return x.new_empty(shape) if min(shape) > 0 else None


def _mean(x: Tensor, dim: Sides | None = None, keepdim: bool = False, **_: Any) -> Tensor | None:
    if dim is None:
        return None
    gone = {d % x.ndim for d in ((dim,) if isinstance(dim, int) else dim)}
    return x.new_empty([1 if i in gone else n for i, n in enumerate(x.shape) if keepdim or i not in gone])


def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    first = tensors[0]
    if any(t.ndim != first.ndim or _without(t, dim) != _without(first, dim) for t in tensors):
        return None
    shape = list(first.shape)
    shape[dim] = sum(t.shape[dim] for t in tensors)
    return first.new_empty(shape)


def _without(tensor: Tensor, dim: int) -> list[int]:
    return [n for i, n in enumerate(tensor.shape) if i != dim % tensor.ndim]


SHAPES: dict[Any, Callable[..., Tensor | None]] = {
    F.conv2d: _conv2d,
    F.max_pool2d: _max_pool2d,
    F.avg_pool2d: _avg_pool2d,
    F.linear: _linear,
    F.pad: _pad,
    Tensor.add: _elementwise,
    Tensor.add_: _elementwise,
    Tensor.__add__: _elementwise,
    Tensor.__iadd__: _elementwise,
    Tensor.__radd__: _elementwise,
    torch.add: _elementwise,
    Tensor.mul: _elementwise,
    Tensor.__mul__: _elementwise,
    Tensor.__rmul__: _elementwise,
    Tensor.pow: _elementwise,
    F.batch_norm: _same,
    F.hardtanh: _same,
    Tensor.mean: _mean,
    torch.cat: _cat,
}
