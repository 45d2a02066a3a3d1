"""The Wasserstein-2 distance of two Gaussians: exact, and as a short Newton-Schulz iteration gives it.

``W2^2 = |m - m_t|^2 + tr(S + S_t - 2 (S_t^.5 S S_t^.5)^.5)``. All matrices are ``[C, C]``, symmetric; exact arithmetic
wants float64: the features may be float32 or bf16, but these small matrices may not.
Source: Olkin & Pukelsheim 1982; Dowson & Landau 1982.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

FLOOR = 1e-12  # of an eigenvalue, relative to the largest: below it is rounding
ITERATIONS = 12


def root_of(matrix: Tensor) -> Tensor:
    """Return the symmetric square root of a positive semidefinite matrix; what is slightly negative counts as zero."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.mT


def trace_of_root(covariance: Tensor, root: Tensor) -> Tensor:
    """Return ``tr (R S R)^.5`` for a symmetric root R of the other covariance; differentiable by S.

    The gradient is analytic: ``.5 R (R S R)^-.5 R``, the inverse on the range only, so that it stays finite where
    features are fewer than channels.
    """
    return _TraceOfRoot.apply(covariance, root)


class _TraceOfRoot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, covariance: Tensor, root: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(root @ covariance @ root)
        ctx.save_for_backward(values, vectors, root)
        return values.clamp(min=0).sqrt().sum()

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        values, vectors, root = ctx.saved_tensors
        large = values > FLOOR * values[-1].clamp(min=torch.finfo(values.dtype).tiny)
        inverse = torch.where(large, values.clamp(min=torch.finfo(values.dtype).tiny).rsqrt(), 0.0)
        side = root @ vectors
        return 0.5 * slopes[0] * (side * inverse) @ side.mT, None


def trace_of_root_by_iteration(covariance: Tensor, root: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Return ``tr (R S R)^.5`` by Newton-Schulz iterations, which leave small eigenvalues behind.

    After twelve it is far from the limit; what it ignores is the noise of weak directions, and some like the look.
    Source: Higham 2008, Functions of Matrices, section 6.3; used for style by style-transfer-pytorch (2023).
    """
    matrix = root @ covariance @ root
    norm = matrix.norm().clamp(min=torch.finfo(matrix.dtype).tiny)
    y, identity = matrix / norm, torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    z = identity
    for _ in range(iterations):
        step = (3 * identity - z @ y) / 2
        y, z = y @ step, step @ z
    return y.diagonal().sum() * norm.sqrt()
