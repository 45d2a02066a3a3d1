"""Kernel and Frechet inception distance on the features of any critic: how far made pictures are from real ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.numerics.gaussian_distance import root_of, trace_of_root
from reverie.numerics.resample import resize
from reverie.weights.embedded import EMBEDDED_NAMES

LAYER = "mixed5b"  # of the embedded critic: 704 features, their mean over the picture
AT_ONCE = 64


def squared_mmd(first: Tensor, second: Tensor) -> float:
    """Return the unbiased squared MMD of two sets of features ``[N, d]`` and ``[M, d]``; 0 for equal ones, may be < 0.

    MMD^2 = mean_{i!=j} k(x_i, x_j) + mean_{i!=j} k(y_i, y_j) - 2 mean k(x_i, y_j),  k(a, b) = (a.b / d + 1)**3.
    Source: Binkowski et al. 2018, "Demystifying MMD GANs", arXiv 1801.01401, section 4.
    """
    x, y = first.double(), second.double()
    n, m, d = len(x), len(y), x.shape[1]

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / d + 1) ** 3

    within_x, within_y = kernel(x, x), kernel(y, y)
    same = (within_x.sum() - within_x.trace()) / (n * (n - 1)) + (within_y.sum() - within_y.trace()) / (m * (m - 1))
    return (same - 2 * kernel(x, y).mean()).item()


def frechet(first: Tensor, second: Tensor) -> float:
    """Return the squared Frechet distance of the Gaussians through two sets of features ``[N, d]`` and ``[M, d]``.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2). Comparable at equal counts only: few pictures make it larger.
    Source: Heusel et al. 2017, arXiv 1706.08500, equation 6.
    """
    x, y = first.double(), second.double()
    here, there = torch.cov(x.T), torch.cov(y.T)
    shared = trace_of_root(here, root_of(there))
    means = (x.mean(0) - y.mean(0)).square().sum()
    return max(0.0, (means + here.trace() + there.trace() - 2 * shared).item())


@dataclass(frozen=True, eq=False)
class Measure:
    """What features distances are of: a network, a layer of it, and the size that it sees; None for the pictures' own.

    Embedded networks see pictures as they are; others, Inception for FID above all, at the size they were trained at.
    """

    critic: Critic
    layer: str = LAYER
    side_px: int | None = None

    @classmethod
    def of(cls, critic: Critic, layer: str | None = None) -> Measure:
        """Return it with the layer before the classes where none is named."""
        if critic.identity.name in EMBEDDED_NAMES:
            return cls(critic, layer or LAYER)
        pooled = critic.identity.pooled or critic.identity.default_layers[-1]
        return cls(critic, critic.layer(layer or pooled).name, critic.identity.input_px)

    def features(self, images: Tensor) -> Tensor:
        """Return ``[N, d]`` of pictures ``[N, 3, H, W]`` in [0, 1]."""
        if self.side_px is None:
            return features(self.critic, images, self.layer)
        size = (self.side_px, self.side_px)
        parts = [resize(images[i : i + AT_ONCE], size).clamp(0, 1) for i in range(0, len(images), AT_ONCE)]
        return torch.cat([features(self.critic, part, self.layer) for part in parts])


@torch.no_grad()
def features(critic: Critic, images: Tensor, layer: str = LAYER) -> Tensor:
    """Return mean activations ``[N, d]`` of pictures ``[N, 3, H, W]`` in [0, 1]."""
    parts = [critic(images[i : i + AT_ONCE], (layer,))[layer].float() for i in range(0, len(images), AT_ONCE)]
    return torch.cat([part.mean((2, 3)) if part.ndim == 4 else part for part in parts])
