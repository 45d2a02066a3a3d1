"""Put a picture into a frame of its own mirror image, somewhere on a network's grid, and bring gradients back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

MARGIN_PX = 16  # as far as networks' zero padding is plainly seen, and a multiple of their usual strides


@dataclass(frozen=True)
class Frame:
    """Where a picture lies in its frame.

    Attributes:
        size: height and width of the picture.
        wrap: whether it repeats downwards and sideways; there it has no margin and is rolled instead.
        shift: how far it lies below and to the right of where it would lie; smaller than the margin.
    """

    size: tuple[int, int]
    wrap: tuple[bool, bool] = (False, False)
    shift: tuple[int, int] = (0, 0)

    def put(self, images: Tensor) -> Tensor:
        """Return ``[1, C, H + margins, W + margins]``; the same tensor where there is nothing to do."""
        rows, columns = self._edges
        rolled = self._rolled(images, 1)
        if not any((*rows, *columns)):
            return rolled
        return F.pad(rolled, (*columns, *rows), mode="reflect")

    def fold(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the picture from that of the framed one: the adjoint of `put`."""
        for dim, (before, after) in zip((-2, -1), self._edges, strict=True):
            gradient = _folded(gradient, dim, before, after)
        return self._rolled(gradient, -1)

    def reach(self, dim: int, start: int, stop: int, device: torch.device) -> slice | Tensor:
        """Return which rows (``dim`` 0) or columns (1) of the picture lie at places of the framed one.

        Args:
            dim: 0 or 1.
            start: first place, in the framed picture; where the picture repeats, it may lie outside.
            stop: one after the last.
            device: of the indices, if they are not a plain slice.
        """
        count, before = self.size[dim], self.shift[dim] if self.wrap[dim] else self._edges[dim][0]
        first, last = start - before, stop - before
        if first >= 0 and last <= count:
            return slice(first, last)
        places = torch.arange(first, last, device=device)
        if self.wrap[dim]:
            return places % count
        places = places.abs()
        return torch.where(places < count, places, 2 * (count - 1) - places)

    @property
    def _edges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        found = []
        for margin, shift, length in zip(margins(self.size, self.wrap), self.shift, self.size, strict=True):
            moved = min(shift, margin, length - 1 - margin) if margin else 0
            found.append((margin + moved, margin - moved))
        return found[0], found[1]

    def _rolled(self, images: Tensor, sign: int) -> Tensor:
        by = [sign * s if w else 0 for s, w in zip(self.shift, self.wrap, strict=True)]
        return torch.roll(images, by, (-2, -1)) if any(by) else images


def margins(size: tuple[int, int], wrap: tuple[bool, bool]) -> tuple[int, int]:
    """Return the margin above and below, and that to the left and right, in pixels; none where a picture is narrow."""
    rows, columns = (0 if w or n <= 2 * MARGIN_PX else MARGIN_PX for n, w in zip(size, wrap, strict=True))
    return rows, columns


def _folded(gradient: Tensor, dim: int, before: int, after: int) -> Tensor:
    """Add what fell on the mirrored margins of one dimension to the pixels that they mirror."""
    length = gradient.shape[dim] - before - after
    inner = gradient.narrow(dim, before, length).clone()
    if before:
        inner.narrow(dim, 1, before).add_(gradient.narrow(dim, 0, before).flip(dim))
    if after:
        inner.narrow(dim, length - 1 - after, after).add_(gradient.narrow(dim, before + length, after).flip(dim))
    return inner
