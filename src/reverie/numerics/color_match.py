"""Bring the colors of one picture to those of another, by mean and covariance."""

from __future__ import annotations

import torch
from torch import Tensor

METHODS = ("chol", "pca", "sym")
RIDGE = 1e-6  # added to variances of colors in [0, 1]: a quarter of an 8-bit step
MOST_GAIN = 8.0  # no difference of colors grows more: a picture that is nearly grey shows its noise otherwise


def match_colors(
    images: Tensor, target: Tensor, method: str = "sym", strength: float = 1.0, *,
    weights: Tensor | None = None, target_weights: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Return ``[1, 3, H, W]`` with mean and covariance of the target's colors, clamped to [0, 1].

    In sRGB, where both pictures live: linear light would let the few brightest pixels decide.
    Source: Gatys et al. 2017, arXiv 1611.07865, section 5.3 (chol, pca); Pitie & Kokaram 2007 (sym: the linear
    Monge-Kantorovich map, which moves colors least).

    Args:
        images: what is changed, in [0, 1].
        target: whose colors are taken, of any size.
        method: one of `METHODS`; they differ in how colors are turned, not in the moments.
        strength: from 0, nothing, to 1, all of it.
        weights: ``[1, 1, H, W]``, how much each pixel of `images` counts.
        target_weights: the same of the target.
    """
    if strength == 0:
        return images
    mean, covariance = color_moments(images, weights)
    wanted_mean, wanted = color_moments(target, target_weights)
    matrix = color_map(covariance, wanted, method)
    matrix = torch.lerp(torch.eye(3, dtype=matrix.dtype), matrix, strength)
    shift = mean + strength * (wanted_mean - mean) - matrix @ mean
    mapped = torch.einsum("rc,bchw->brhw", matrix.to(images), images) + shift.to(images).view(1, 3, 1, 1)
    return mapped.clamp_(0, 1)


def color_moments(images: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return mean ``[3]`` and covariance ``[3, 3]`` of the colors, float64 on the CPU."""
    flat = images[0].flatten(1).double().cpu()
    share = torch.ones(flat.shape[1], dtype=torch.float64)
    share = share if weights is None else weights.flatten().double().cpu()
    share = share / share.sum().clamp(min=1e-12)
    mean = flat @ share
    centered = flat - mean[:, None]
    return mean, (centered * share) @ centered.mT


def color_map(covariance: Tensor, wanted: Tensor, method: str) -> Tensor:
    """Return the ``[3, 3]`` matrix M with ``M covariance M^T = wanted``, where no gain of M exceeds `MOST_GAIN`."""
    ridge = RIDGE * torch.eye(3, dtype=torch.float64)
    here, there = covariance + ridge, wanted + ridge
    if method == "chol":
        matrix = torch.linalg.cholesky(there) @ torch.linalg.inv(torch.linalg.cholesky(here))
    elif method == "pca":
        matrix = _root(there) @ _root(here, inverse=True)
    else:
        root, inverse = _root(here), _root(here, inverse=True)
        matrix = inverse @ _root(root @ there @ root) @ inverse
    left, gains, right = torch.linalg.svd(matrix)
    return matrix if gains[0] <= MOST_GAIN else (left * gains.clamp(max=MOST_GAIN)) @ right


def _root(matrix: Tensor, *, inverse: bool = False) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp(min=RIDGE**2).sqrt()
    return (vectors * (1 / roots if inverse else roots)) @ vectors.mT
