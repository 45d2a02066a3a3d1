"""Vertices of a mesh moved so that neighbors move together.

What is optimized is not the vertices ``v`` but ``u = (I + lambda L) v`` with ``L`` the graph Laplacian: a step that is
rough in ``u`` is smooth in ``v``, and the shape stays a surface instead of a heap of spikes.
Source: Nicolet, Jacobson, Jakob 2021, "Large steps in inverse rendering of geometry", equations 9 to 11.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


class Smoothing:
    """``I + lambda L`` of a mesh, factorized once.

    Args:
        ends: ``[E, 2]`` vertices of the edges; an edge that stands twice counts once.
        count: number of vertices.
        smoothness: lambda, from 0 on.
    """

    def __init__(self, ends: Tensor, count: int, smoothness: float) -> None:
        from scipy.sparse import coo_array, eye_array
        from scipy.sparse.csgraph import laplacian
        from scipy.sparse.linalg import splu

        pairs = np.unique(ends.cpu().numpy(), axis=0)
        both = np.concatenate([pairs, pairs[:, ::-1]])
        links = coo_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(count, count))
        graph: Any = laplacian(links.tocsr())
        self._matrix: Any = (eye_array(count) + smoothness * graph).tocsc()
        # symmetric and diagonally dominant: needs no pivots, and an ordering of its pattern keeps the factors sparse
        self._factors: Any = splu(
            self._matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )

    def apply(self, vertices: Tensor) -> Tensor:
        """Return ``u`` of ``v``, without gradient."""
        found = self._matrix @ vertices.detach().cpu().double().numpy()
        return torch.from_numpy(found).to(vertices)

    def solve(self, moved: Tensor) -> Tensor:
        """Return ``v`` of ``u``, differentiable."""
        result: Any = _Solve.apply(moved, self._factors)
        return result


class _Solve(torch.autograd.Function):
    """The matrix is symmetric, so the gradient goes back through the same solve."""

    @staticmethod
    def forward(ctx: Any, moved: Tensor, factors: Any) -> Tensor:
        ctx.factors = factors
        return torch.from_numpy(factors.solve(moved.detach().cpu().double().numpy())).to(moved)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        found = ctx.factors.solve(slopes[0].cpu().double().contiguous().numpy())
        return torch.from_numpy(found).to(slopes[0]), None
