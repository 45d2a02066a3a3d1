"""Resize a picture strip by strip: the result of `reverie.numerics.resample.resize`, at the memory of a few rows.

A row of the result is a weighted sum of some rows of the picture; columns are resized row by row. Both together are
the separable antialiased bicubic filter.
Source: Keys 1981, "Cubic convolution interpolation for digital image processing", with a = -1/2; stretched for
reduction as in Pillow and torch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

RADIUS = 2.0  # of the cubic
A = -0.5

ReadRows = Callable[[int, int], Tensor]
"""Takes (top, bottom) and returns ``[1, C, bottom - top, W]``."""


def resized_rows(read: ReadRows, old: tuple[int, int], new: tuple[int, int], top: int, bottom: int) -> Tensor:
    """Return rows `top` to `bottom` of the picture at size `new`, ``[1, C, bottom - top, W]``.

    Agrees with resizing all of it to within rounding (about 1e-6 for values in [0, 1]).
    """
    if old == new:
        return read(top, bottom)
    first, weights = row_weights(old[0], new[0], top, bottom)
    rows = read(first, first + weights.shape[1])
    if old[1] != new[1]:
        rows = F.interpolate(rows, (rows.shape[2], new[1]), mode="bicubic", antialias=True, align_corners=False)
    return torch.einsum("or,bcrw->bcow", weights.to(rows), rows)


def row_weights(old: int, new: int, top: int, bottom: int) -> tuple[int, Tensor]:
    """Return the first row that is needed and ``[bottom - top, rows]`` weights for what comes out."""
    scale = old / new
    stretch = max(scale, 1.0)
    centers = [(i + 0.5) * scale for i in range(top, bottom)]
    starts = [max(int(c - RADIUS * stretch + 0.5), 0) for c in centers]
    ends = [min(int(c + RADIUS * stretch + 0.5), old) for c in centers]
    first, last = starts[0], max(ends)
    weights = torch.zeros(bottom - top, last - first, dtype=torch.float64)
    for row, (center, start, end) in enumerate(zip(centers, starts, ends, strict=True)):
        places = torch.arange(start, end, dtype=torch.float64)
        found = _cubic((places - center + 0.5) / stretch)
        weights[row, start - first : end - first] = found / found.sum()
    return first, weights.float()


def _cubic(x: Tensor) -> Tensor:
    x = x.abs()
    near = ((A + 2) * x - (A + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * A - 4 * A
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
