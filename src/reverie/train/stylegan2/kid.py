"""Kernel inception distance on the features of any critic: how far made pictures are from real ones."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.critic.critic import Critic

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


@torch.no_grad()
def features(critic: Critic, images: Tensor, layer: str = LAYER) -> Tensor:
    """Return mean activations ``[N, d]`` of pictures ``[N, 3, H, W]`` in [0, 1]."""
    parts = [critic(images[i : i + AT_ONCE], (layer,))[layer].float() for i in range(0, len(images), AT_ONCE)]
    return torch.cat([part.mean((2, 3)) if part.ndim == 4 else part for part in parts])
