"""Which rows of one matrix are nearest to which of another; memory does not notice the costs of all pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

PIECE = 1 << 22  # costs at once: 16 MB in float32

Cost = Callable[[Tensor, Tensor], Tensor]  # of ``[n, C]`` and ``[m, C]`` to ``[n, m]``


@torch.no_grad()
def nearest_both_ways(here: Tensor, there: Tensor, cost: Cost) -> tuple[Tensor, Tensor]:
    """Return for each row of `here` its nearest of `there`, and for each of `there` its nearest of `here`.

    No gradient is needed: that of a least cost is that of the pair which has it.
    """
    step = max(1, PIECE // max(1, len(there)))
    forward = []
    least = here.new_full((len(there),), float("inf"))
    back = torch.zeros(len(there), dtype=torch.long, device=here.device)
    for first in range(0, len(here), step):
        costs = cost(here[first : first + step], there)
        forward.append(costs.argmin(1))
        value, row = costs.min(0)
        better = value < least
        least, back = torch.where(better, value, least), torch.where(better, row + first, back)
    return torch.cat(forward), back


def nearest_rows(here: Tensor, there: Tensor, cost: Cost) -> Tensor:
    """Return for each row of `here` its nearest of `there`."""
    with torch.no_grad():
        step = max(1, PIECE // max(1, len(there)))
        return torch.cat([cost(part, there).argmin(1) for part in here.split(step)])


def unit_rows(rows: Tensor, least: float = 1e-12) -> Tensor:
    """Return rows of length one; those shorter than `least` are divided by it, since slopes of angles explode there."""
    return torch.nn.functional.normalize(rows, dim=1, eps=least)


def angle_cost(here: Tensor, there: Tensor) -> Tensor:
    """Return cosine distances of rows of length one."""
    return 1 - here @ there.mT
