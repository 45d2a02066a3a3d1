"""Let gradient through dead ReLUs, for starts where none would arrive.

A noise picture, or a channel that nothing in the photo excites, can have exactly zero gradient. Where the whole
gradient of a sample is blocked, negative units are let through if the step would raise them.
Source: Lucid's redirected ReLU gradients (Olah et al. 2017), per sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class _Redirected(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        (gradient,) = gradients
        passed = torch.where(x > 0, gradient, torch.zeros_like(gradient))
        blocked = (passed.flatten(1).abs().amax(1) == 0).view(-1, *[1] * (x.ndim - 1))
        raised = torch.where((x > 0) | (gradient > 0), gradient, torch.zeros_like(gradient))
        return torch.where(blocked, raised, passed)


class _Mode(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (F.relu, torch.relu, torch.relu_, F.relu_, Tensor.relu, Tensor.relu_):
            return _Redirected.apply(args[0])
        return func(*args, **(kwargs or {}))


@contextmanager
def redirected_relu() -> Iterator[None]:
    """Within this context every ReLU, module or function, has the redirected gradient of a score to be raised."""
    with _Mode():
        yield
