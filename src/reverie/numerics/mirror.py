"""Continue a picture beyond its border by mirroring, by any amount: also by more than the picture is wide."""

from __future__ import annotations

import torch
from torch import Tensor


def mirrored(images: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """Return ``[B, C, top + H + bottom, left + W + right]``; the outermost pixels are not repeated.

    Where torch's ``reflect`` is possible, the result is the same.
    """
    for dim, before, after in ((-2, top, bottom), (-1, left, right)):
        if before or after:
            images = images.index_select(dim, mirrored_places(images.shape[dim], before, after, images.device))
    return images


def mirrored_places(count: int, before: int, after: int, device: torch.device | None = None) -> Tensor:
    """Return the indices ``[before + count + after]`` that `mirrored` reads: 2 1 0 1 2 1 0 ... for a count of three."""
    places = torch.arange(-before, count + after, device=device)
    if count == 1:
        return places * 0
    places = places % (2 * count - 2)
    return torch.where(places < count, places, 2 * count - 2 - places)
