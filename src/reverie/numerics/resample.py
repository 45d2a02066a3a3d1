"""Change the size of pictures without aliasing, and cut windows that wrap around."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return ``[B, C, *size]``, bicubic with anti-aliasing; the same tensor if the size is already right."""
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    return F.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False)


def octave_sizes(size: tuple[int, int], octaves: int, scale: float, smallest: int) -> list[tuple[int, int]]:
    """Return picture sizes from coarse to fine, ending with `size`.

    Every size is computed from the original one, so rounding does not drift. Octaves whose shorter side would
    fall below `smallest` are left out, as are repeated sizes; the last one always stays.
    """
    sizes = [
        (max(1, round(size[0] / scale**k)), max(1, round(size[1] / scale**k)))
        for k in reversed(range(octaves))
    ]  # fmt: skip
    kept = [s for s in dict.fromkeys(sizes) if min(s) >= smallest]
    return kept or [size]


def long_side(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return `size` scaled so that its longer side is `longest`."""
    factor = longest / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def wrapped_window(images: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Return ``images[..., top:top+height, left:left+width]`` of a picture that repeats in both directions.

    Equal to the same window of the rolled picture, without rolling all of it.
    """
    rows = torch.arange(top, top + height, device=images.device) % images.shape[-2]
    columns = torch.arange(left, left + width, device=images.device) % images.shape[-1]
    return images.index_select(-2, rows).index_select(-1, columns)


def wrapped_write(target: Tensor, window: Tensor, top: int, left: int) -> None:
    """Write `window` into `target` at the place that `wrapped_window` would read it from."""
    rows = torch.arange(top, top + window.shape[-2], device=target.device) % target.shape[-2]
    columns = torch.arange(left, left + window.shape[-1], device=target.device) % target.shape[-1]
    target[..., rows[:, None], columns[None, :]] = window
