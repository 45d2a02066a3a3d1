"""Exact nearest neighbors of rows: one matrix product after the other, so that memory holds a few rows of distances."""

from __future__ import annotations

import torch
from torch import Tensor

PIECE = 1 << 23  # distances at once: 32 MB in float32


@torch.no_grad()
def nearest_neighbors(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return indices ``[N, count]`` and Euclidean distances of the nearest other rows, the nearest first.

    Args:
        rows: ``[N, D]`` float32.
        count: fewer than N.
    """
    step = max(1, PIECE // max(1, len(rows)))
    indices, distances = [], []
    for first in range(0, len(rows), step):
        found = squared_distances(rows[first : first + step], rows)
        found[torch.arange(len(found)), torch.arange(first, first + len(found))] = torch.inf
        values, at = found.topk(count, dim=1, largest=False)
        indices.append(at)
        distances.append(values.sqrt())
    return torch.cat(indices), torch.cat(distances)


@torch.no_grad()
def neighbors_among(queries: Tensor, rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return indices ``[Q, count]`` and Euclidean distances of the rows that are nearest to some others."""
    step = max(1, PIECE // max(1, len(rows)))
    found = [squared_distances(part, rows).topk(count, dim=1, largest=False) for part in queries.split(step)]
    return torch.cat([at for _, at in found]), torch.cat([values for values, _ in found]).sqrt()


def squared_distances(here: Tensor, there: Tensor) -> Tensor:
    """Return ``[n, m]`` squared Euclidean distances, ``|a|^2 - 2 a.b + |b|^2``, at least 0."""
    lengths = here.square().sum(1)[:, None] + there.square().sum(1)
    return torch.addmm(lengths, here, there.mT, alpha=-2).clamp_min_(0)
