"""Adam with one pace for all coordinates, so that a smooth gradient makes a smooth step.

Source: Nicolet, Jacobson, Jakob 2021, "Large steps in inverse rendering of geometry", section 3.3: the second moment
is the largest of all coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class UniformAdam(torch.optim.Optimizer):
    """Adam whose second moment is the greatest of a parameter's coordinates.

    Args:
        params: to be moved.
        lr: learning rate.
        betas: decay of the two running means.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 0.03, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        value = None if closure is None else closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group["lr"], *group["betas"])
        return value

    def _move(self, parameter: Tensor, lr: float, first: float, second: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"], state["mean"] = 0, torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        assert parameter.grad is not None
        state["step"] += 1
        mean = state["mean"].lerp_(parameter.grad, 1 - first)
        square = state["square"].lerp_(parameter.grad.square(), 1 - second)
        unbiased = mean / (1 - first ** state["step"])
        pace = (square.max() / (1 - second ** state["step"])).sqrt()
        parameter.sub_(lr * unbiased / pace.clamp_min(1e-20))
