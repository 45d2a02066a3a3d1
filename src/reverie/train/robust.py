"""Adversarial training: replace each picture by the worst one within an L2 ball.

Networks trained so have gradients that look like pictures, which is what dreams are made of.
Source: Madry et al. 2017, arXiv 1706.06083, equation 2.1; Engstrom et al. 2019, arXiv 1906.00945.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor, nn


def attack_l2(
    loss: Callable[[Tensor, Tensor], Tensor], images: Tensor, labels: Tensor, net: nn.Module, radius: float, steps: int,
    generator: Generator,
) -> Tensor:  # fmt: skip
    """Return `images` moved by at most `radius` (L2 per picture, values in [0, 1]) so that `loss` rises.

    One step starts at the picture and goes to the edge of the ball; more steps start at a random point within it
    and are 2.5 radius / steps long, so that any point of the ball can be reached. `generator` lives on the CPU.
    BatchNorm uses the statistics of the batch and keeps nothing of the attack.
    """
    delta = torch.zeros_like(images) if steps == 1 else _random_in_ball(images, radius, generator)
    size = radius if steps == 1 else 2.5 * radius / steps
    with _forgetful(net):
        for _ in range(steps):
            moved = (images + delta).clamp(0, 1).requires_grad_(True)
            (gradient,) = torch.autograd.grad(loss(moved, labels), moved)
            delta = _project(delta + size * _unit(gradient), radius)
    return (images + delta).clamp(0, 1).detach()


@contextmanager
def _forgetful(net: nn.Module) -> Iterator[None]:
    """Keep BatchNorm from updating its running statistics; frozen layers (in eval mode) go on using theirs."""
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    learning = [m for m in norms if m.training and m.track_running_stats]
    for module in learning:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in learning:
            module.track_running_stats = True


def _random_in_ball(images: Tensor, radius: float, generator: Generator) -> Tensor:
    """A random direction, and a length drawn from U[0, radius]."""
    direction = _unit(torch.randn(images.shape, generator=generator))
    return (direction * radius * torch.rand(len(images), 1, 1, 1, generator=generator)).to(images)


def _length(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1).clamp_min(1e-20).view(-1, 1, 1, 1)


def _unit(x: Tensor) -> Tensor:
    return x / _length(x)


def _project(delta: Tensor, radius: float) -> Tensor:
    return delta * (radius / _length(delta)).clamp(max=1)
