"""First and second moments of features, summed over positions in pieces that memory does not notice.

For features ``F`` ``[C, N]`` and weights ``w`` ``[N]`` the sums are ``[F; 1] diag(w) [F; 1]^T``: raw second moments,
in the last column the sums of the features, in the corner the sum of the weights. All of it is linear in pieces of N.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PIECE = 1 << 16  # positions at once: 16 MB in float32 for 64 channels


def moment_sums(activation: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return ``[C + 1, C + 1]`` sums over the positions of ``[1, C, h, w]``, float32 (float64 for float64).

    Args:
        activation: bf16, float32 or float64; no wider copy of it is kept.
        weights: ``[1, 1, h, w]``, how much each position counts; all the same if absent. They get no gradient.
    """
    return _MomentSums.apply(activation, weights)


class _MomentSums(torch.autograd.Function):
    """The sums and their gradient, both piece by piece; ``dS = G`` gives ``dF = w ([G + G^T] [F; 1])``."""

    @staticmethod
    def forward(ctx: Any, activation: Tensor, weights: Tensor | None) -> Tensor:
        ctx.save_for_backward(activation, weights)
        channels = activation.shape[1]
        kind = _kind(activation)
        sums = torch.zeros(channels + 1, channels + 1, dtype=kind, device=activation.device)
        for features, share, _ in _pieces(activation, weights):
            heavy = features if share is None else features * share[:, None]
            sums[:channels, :channels].addmm_(features.mT, heavy)
            sums[:channels, channels] += heavy.sum(0)
            sums[channels, channels] += len(features) if share is None else share.sum()
        sums[channels, :channels] = sums[:channels, channels]
        return sums

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        activation, weights = ctx.saved_tensors
        slope = slopes[0] + slopes[0].mT
        channels = activation.shape[1]
        gradient = torch.empty_like(activation)
        flat = _rows(gradient)
        for features, share, part in _pieces(activation, weights):
            found = torch.addmm(slope[channels, :channels], features, slope[:channels, :channels])
            flat[part] = (found if share is None else found * share[:, None]).to(gradient.dtype)
        if flat.data_ptr() != gradient.data_ptr():
            gradient.copy_(flat.view(gradient.shape[2], gradient.shape[3], channels).permute(2, 0, 1)[None])
        return gradient, None


def _pieces(activation: Tensor, weights: Tensor | None) -> Any:
    """Yield (features ``[n, C]``, weights ``[n]`` or None, slice) of all positions."""
    rows, kind = _rows(activation), _kind(activation)
    share = None if weights is None else weights.reshape(-1).to(rows.device, kind)
    for first in range(0, len(rows), PIECE):
        part = slice(first, min(first + PIECE, len(rows)))
        yield rows[part].to(kind), None if share is None else share[part], part


def _rows(activation: Tensor) -> Tensor:
    """Return ``[h * w, C]``; a view where channels lie last in memory and rows are whole."""
    return activation[0].permute(1, 2, 0).reshape(-1, activation.shape[1])


def _kind(activation: Tensor) -> torch.dtype:
    return torch.float64 if activation.dtype == torch.float64 else torch.float32
