"""Losses of adversarial training, to be minimized; scores are lists of ``[B, n]``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

Scores = Sequence[Tensor]


def discriminator_loss(kind: str, real: Scores, fake: Scores) -> Tensor:
    """Return what tells real from made: softplus(-real) + softplus(fake), or max(0, 1 - real) + max(0, 1 + fake).

    "r3" compares pairs: softplus(fake - real). Source: Huang et al. 2025, "The GAN is dead", arXiv 2501.05441.
    """
    if kind == "hinge":
        return _total(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake, strict=True))
    if kind == "r3":
        return _total(F.softplus(f - r).mean() for r, f in zip(real, fake, strict=True))
    return _total(F.softplus(-r).mean() + F.softplus(f).mean() for r, f in zip(real, fake, strict=True))


def generator_loss(kind: str, fake: Scores, real: Scores = ()) -> Tensor:
    """Return softplus(-fake), -fake for "hinge", or softplus(real - fake) for "r3"."""
    if kind == "hinge":
        return _total(-f.mean() for f in fake)
    if kind == "r3":
        return _total(F.softplus(r - f).mean() for r, f in zip(real, fake, strict=True))
    return _total(F.softplus(-f).mean() for f in fake)


def gradient_penalty(scores: Scores, images: Tensor) -> Tensor:
    """Return the mean of |d score / d picture|**2, R1 for real and R2 for made pictures.

    Source: Mescheder et al. 2018, arXiv 1801.04406.
    """
    (gradient,) = torch.autograd.grad(_total(s.mean(1).sum() for s in scores), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


class PathLength:
    """Penalty for a generator whose pictures change unevenly with w: (|J^T y| - a)**2, a its running mean.

    Source: Karras et al. 2019, arXiv 1912.04958, section 3.2.
    """

    def __init__(self, decay: float = 0.01) -> None:
        self.mean, self.decay = 0.0, decay

    def __call__(self, images: Tensor, ws: Tensor, generator: torch.Generator) -> Tensor:
        height, width = images.shape[2:]
        noise = torch.randn(images.shape, generator=generator).to(images) / math.sqrt(height * width)
        (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
        lengths = gradient.square().sum(2).mean(1).sqrt()
        self.mean += self.decay * (lengths.mean().item() - self.mean)
        return (lengths - self.mean).square().mean()


def _total(values: object) -> Tensor:
    return torch.stack(list(values)).sum()  # type: ignore[call-overload]
