"""Let gradient through dead ReLUs, for starts where none would arrive.

A noise picture, or a channel that nothing in the photo excites, can have exactly zero gradient. Where the whole
gradient of a sample is blocked, negative units are let through if the step would raise them. A ReLU with a ceiling
(ReLU6) blocks above it too: units there are let through if the step would lower them.
Source: Lucid's redirected ReLU gradients (Olah et al. 2017), per sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from reverie.critic.run import REDIRECTED

RELUS = (F.relu, torch.relu, torch.relu_, F.relu_, Tensor.relu, Tensor.relu_)


class _Redirected(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, ceiling: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.ceiling = ceiling
        return x.clamp(0, ceiling)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        (gradient,) = gradients
        low, high = x <= 0, x >= ctx.ceiling
        shut = low | high
        passed = gradient.masked_fill(shut, 0)
        blocked = (passed.flatten(1).abs().amax(1) == 0).view(-1, *[1] * (x.ndim - 1))
        useless = (low & (gradient <= 0)) | (high & (gradient >= 0))
        return torch.where(blocked, gradient.masked_fill(useless, 0), passed), None


class _Mode(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        ceiling = _ceiling(func, *args[1:3], **kwargs)
        return func(*args, **kwargs) if ceiling is None else _Redirected.apply(args[0], ceiling)


def _ceiling(func: Any, min_val: Any = -1.0, max_val: Any = 1.0, **_: Any) -> float | None:
    """Return where a call of `func` stops rising, infinity for a plain ReLU; None if it is no ReLU at all."""
    if func in RELUS:
        return math.inf
    if func is F.relu6:
        return 6.0
    return float(max_val) if func in (F.hardtanh, F.hardtanh_) and min_val == 0 and max_val > 0 else None


@contextmanager
def redirected_relu() -> Iterator[None]:
    """Within this context every ReLU, module or function, has the redirected gradient of a score to be raised."""
    token = REDIRECTED.set(True)
    try:
        with _Mode():
            yield
    finally:
        REDIRECTED.reset(token)
