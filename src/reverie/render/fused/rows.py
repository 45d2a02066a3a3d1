"""Weighted sums of rows of a table; see `reverie.render.gather`."""

from __future__ import annotations

import numpy as np

from reverie.render.fused.kernel import kernel


@kernel
def gather(table: np.ndarray, rows: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Add to `out` ``[N, C]``."""
    for n in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            row, weight = rows[n, k], weights[n, k]
            for c in range(table.shape[1]):
                out[n, c] += weight * table[row, c]


@kernel
def gather_back(slope: np.ndarray, rows: np.ndarray, weights: np.ndarray, to_table: np.ndarray) -> None:
    """Add the gradient of the table, from that of the sums."""
    for n in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            row, weight = rows[n, k], weights[n, k]
            for c in range(to_table.shape[1]):
                to_table[row, c] += weight * slope[n, c]
