"""Exponential moving average of a network, buffers included."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """A copy of `net` that follows it: ``average += (1 - decay) * (net - average)``.

    The decay is warmed up as ``min(decay, (1 + n) / (10 + n))`` so that early averages are not dominated by the
    initial weights. Source: Polyak & Juditsky 1992; warm-up as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.net = copy.deepcopy(net).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        theirs = net.state_dict()
        for name, ours in self.net.state_dict().items():
            if ours.is_floating_point():
                ours.lerp_(theirs[name], 1 - decay)
            else:
                ours.copy_(theirs[name])
