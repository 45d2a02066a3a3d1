"""Change the size of pictures without aliasing, and cut windows that wrap around."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

MARGIN_PX = 8  # what bicubic filters see around a pixel, for any factor down to a quarter


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return ``[B, C, *size]``, bicubic with anti-aliasing; the same tensor if the size is already right."""
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    return F.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False)


def resize_wrapped(images: Tensor, size: tuple[int, int], wrap: tuple[bool, bool]) -> Tensor:
    """Return `images` at another size; where a picture repeats, its edges see across to the other side."""
    old = (images.shape[-2], images.shape[-1])
    if not any(wrap) or old == tuple(size):
        return resize(images, size)
    whole = [_whole_margin(a, b) if w else (0, 0) for a, b, w in zip(old, size, wrap, strict=True)]
    (rows, new_rows), (columns, new_columns) = whole
    wide = wrapped_window(images, -rows, -columns, old[0] + 2 * rows, old[1] + 2 * columns)
    large = resize(wide, (size[0] + 2 * new_rows, size[1] + 2 * new_columns))
    return large[..., new_rows : new_rows + size[0], new_columns : new_columns + size[1]].contiguous()


def _whole_margin(old: int, new: int) -> tuple[int, int]:
    """Return a margin that has a whole number of pixels before and after resizing, and what it becomes.

    Where there is no smaller one, it is the picture itself, once over.
    """
    common = math.gcd(old, new)
    unit, new_unit = old // common, new // common
    times = -(-MARGIN_PX // min(unit, new_unit))
    return (unit * times, new_unit * times) if unit * times < old else (old, new)


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
