"""Principal components: the directions in which rows differ most."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Principal:
    """A projection fitted to rows.

    Attributes:
        mean: ``[C]``, what is subtracted.
        components: ``[K, C]``, of length one, the strongest first; the largest entry of each is positive.
        explained: ``[K]``, the share of the variance that each carries.
    """

    mean: Tensor
    components: Tensor
    explained: Tensor

    def __call__(self, rows: Tensor) -> Tensor:
        """Return ``[N, K]`` coordinates of rows ``[N, C]``."""
        return (rows - self.mean) @ self.components.mT


@torch.no_grad()
def principal_components(rows: Tensor, count: int) -> Principal:
    """Return the first components of rows ``[N, C]``; at most as many as rows or columns, less one row.

    From the eigenvectors of the covariance in double precision: exact, and the same on every run.
    """
    count = max(1, min(count, rows.shape[0] - 1, rows.shape[1]))
    mean = rows.double().mean(0)
    total = torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64)
    for part in rows.split(4096):
        centered = part.double() - mean
        total += centered.mT @ centered
    values, vectors = torch.linalg.eigh(total / max(1, len(rows) - 1))
    components = vectors.flip(1)[:, :count].mT
    strongest = components.gather(1, components.abs().argmax(1, keepdim=True))
    explained = values.flip(0).clamp_min(0) / values.clamp_min(0).sum().clamp_min(1e-300)
    return Principal(mean.float(), (components * strongest.sign()).float(), explained[:count].float())
