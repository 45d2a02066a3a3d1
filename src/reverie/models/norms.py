"""What a network's BatchNorms remember of the pictures it was trained on.

Behind a BatchNorm with gain g and shift b, a channel had mean b and standard deviation |g| over the training pictures:
``y = g * (x - mean) / std + b``. So the statistics of all training pictures lie in the weights, and stay there when the
norm is folded into the convolution before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class NormStatistics:
    """One BatchNorm: its module path, and the mean and variance ``[C]`` of what leaves it, over the training data."""

    path: str
    mean: Tensor
    variance: Tensor


def norm_statistics(net: nn.Module) -> tuple[NormStatistics, ...]:
    """Return the statistics of every BatchNorm of `net` that has running ones, in order of definition."""
    found = []
    for path, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_var is not None:
            variance = module.running_var.double()
            gain = torch.ones_like(variance) if module.weight is None else module.weight.detach().double()
            shift = torch.zeros_like(variance) if module.bias is None else module.bias.detach().double()
            kept = gain.square() * variance / (variance + module.eps)
            found.append(NormStatistics(path, shift.float(), kept.float()))
    return tuple(found)


def surviving(statistics: Iterable[NormStatistics], net: nn.Module) -> tuple[NormStatistics, ...]:
    """Return those whose module still exists; a RepVGG block that was fused has none left."""
    paths = {path for path, _ in net.named_modules()}
    return tuple(s for s in statistics if s.path in paths)
