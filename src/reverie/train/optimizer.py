"""The optimizer of the trainers: SGD with Nesterov momentum, weight decay where it belongs."""

from __future__ import annotations

import torch
from torch import nn


def build_sgd(net: nn.Module, lr: float, weight_decay: float) -> torch.optim.SGD:
    """Return SGD over the parameters that are trained; kernels and matrices decay, biases and BatchNorm do not.

    Source: Nesterov momentum as in Sutskever et al. 2013; decay left off one-dimensional parameters as in
    Goyal et al. 2017, arXiv 1706.02677, section 5.3.
    """
    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True)
