"""How much each position of a layer belongs to a region of the picture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

VANISHED = 1.0  # positions that must be left of a region for its inside to count


def region_weights(mask: Tensor, size: tuple[int, int], radius_px: int = 0) -> Tensor:
    """Return ``[1, 1, *size]`` weights in [0, 1] of a layer's positions for a mask ``[1, 1, H, W]``.

    A position counts as far as the mask covers its cell. With `radius_px`, only positions whose field lies inside the
    region count, so that no texture is learned from, or pushed across, a border; a region too small for that keeps
    what it covers.
    Source: the `inside` guides of Gatys et al. 2017, arXiv 1611.07865, section 3. Differs: eroded by the radius of the
    field instead of probed by noise, and softly.
    """
    simple = F.adaptive_avg_pool2d(mask, size)
    if radius_px <= 0:
        return simple
    inside = F.adaptive_avg_pool2d(eroded(mask, radius_px), size)
    return inside if inside.sum() >= VANISHED else simple


def eroded(mask: Tensor, radius_px: int) -> Tensor:
    """Return the smallest value of a mask within a square of `radius_px` around each pixel; its border continues.

    By doubling steps: the cost grows with the logarithm of the radius.
    """
    result = mask
    for dim in (-2, -1):
        result = _least_along(result, radius_px, dim)
    return result


def _least_along(mask: Tensor, radius: int, dim: int) -> Tensor:
    done = 0
    result = mask
    while done < radius:
        step = min(max(1, done), radius - done, mask.shape[dim] - 1)
        if step < 1:
            return result
        result = torch.minimum(result, torch.minimum(_shifted(result, step, dim), _shifted(result, -step, dim)))
        done += step
    return result


def _shifted(mask: Tensor, by: int, dim: int) -> Tensor:
    """Return the mask moved by some rows or columns, its edge repeated."""
    length = mask.shape[dim]
    places = torch.arange(length, device=mask.device).sub(by).clamp(0, length - 1)
    return mask.index_select(dim, places)


def shared_out(masks: list[Tensor]) -> list[Tensor]:
    """Return masks that cover no pixel by more than one together, and last the rest that none of them covers."""
    total = torch.stack(masks).sum(0) if masks else None
    if total is None:
        return []
    scale = total.clamp(min=1)
    return [*(mask / scale for mask in masks), (1 - total).clamp(min=0)]
