"""Cut a picture into near-equal tiles with halos, and plan them from a memory budget.

A tile's gradient is computed on the tile plus a halo and only its core is kept. The halo comes from the receptive
field of the deepest layer; tile borders lie on multiples of the network's stride, so pooling windows fall where
they fall in the whole picture. With local objectives the cores then add up to the gradient of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import psutil
import torch

from reverie.errors import InputError
from reverie.optimize.byte_counts import format_bytes, parse_bytes

__all__ = [
    "Tile", "fits_whole", "format_bytes", "memory_budget", "one_tile", "parse_bytes", "plan_tiles", "tile_for_budget",
]  # fmt: skip

FLOAT_BYTES = 4
SHARE_OF_FREE = 0.7  # of the free memory that a dream without --max-memory may plan with
PICTURE_BUFFERS = 7  # original, canvas, base, gradient, normalized gradient, detail, one temporary (measured)


@dataclass(frozen=True)
class Tile:
    """Core of a tile and the window around it, in pixels; windows end at the picture's border."""

    top: int
    left: int
    bottom: int
    right: int
    window_top: int
    window_left: int
    window_bottom: int
    window_right: int

    @property
    def core_in_window(self) -> tuple[slice, slice]:
        return (
            slice(self.top - self.window_top, self.bottom - self.window_top),
            slice(self.left - self.window_left, self.right - self.window_left),
        )

    def core_positions(self, stride_px: int) -> tuple[slice, slice]:
        """Return the core's positions in a layer's activation of the window; every position lies in one tile."""
        rows, columns = self.core_in_window
        return (
            slice(rows.start // stride_px, -(-rows.stop // stride_px)),
            slice(columns.start // stride_px, -(-columns.stop // stride_px)),
        )


def plan_tiles(
    size: tuple[int, int], tile_px: int, halo_px: int, align_px: int, *, even: bool = True
) -> tuple[Tile, ...]:
    """Return tiles that cover `size` without gap or overlap of their cores.

    Args:
        size: height and width of the picture.
        tile_px: largest side of a core; rounded down to a multiple of `align_px`, at least one.
        halo_px: added on every side, rounded up to a multiple of `align_px`.
        align_px: stride of the network; cores and windows begin on its multiples.
        even: make them as equal as can be; otherwise all are as large as allowed but the last ones. Their number and
            the arithmetic are the same.
    """
    halo = -(-halo_px // align_px) * align_px
    rows, columns = (_edges(length, tile_px, align_px, even) for length in size)
    return tuple(
        Tile(
            top, left, bottom, right,
            max(0, top - halo), max(0, left - halo), min(size[0], bottom + halo), min(size[1], right + halo),
        )
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    )  # fmt: skip


def exact_tiles(
    size: tuple[int, int], tile_px: int, before_px: int, after_px: int, align_px: int,
    wrap: tuple[bool, bool] = (False, False),
) -> tuple[Tile, ...]:  # fmt: skip
    """Return tiles whose windows hold all that the positions of their cores see, so that nothing is approximate.

    Args:
        size: height and width of the picture.
        tile_px: largest side of a core; rounded down to a multiple of `align_px`, at least one; 0 for one core.
        before_px: how far positions see to the left and above, counted from their own pixel.
        after_px: the same to the right and below.
        align_px: stride of the network; cores and windows begin on its multiples.
        wrap: whether the picture repeats downwards and sideways; windows then reach beyond it.
    """
    before, after = (-(-px // align_px) * align_px for px in (before_px, after_px))
    margins = ((before, after) if w else (0, 0) for w in wrap)
    rows, columns = (_spans(n, tile_px, before, after, align_px, m) for n, m in zip(size, margins, strict=True))
    return tuple(
        Tile(top, left, bottom, right, window_top, window_left, window_bottom, window_right)
        for top, bottom, window_top, window_bottom in rows
        for left, right, window_left, window_right in columns
    )


def _spans(
    length: int, tile_px: int, before: int, after: int, align_px: int, margins: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    edges = _edges(length, tile_px, align_px, True) if tile_px else [0, length]
    low, high = -margins[0], length + margins[1]
    return [(a, b, max(low, a - before), min(high, b + after)) for a, b in pairwise(edges)]


def one_tile(size: tuple[int, int]) -> tuple[Tile, ...]:
    """Return the tile that is the whole picture."""
    return (Tile(0, 0, size[0], size[1], 0, 0, size[0], size[1]),)


def _edges(length: int, tile_px: int, align_px: int, even: bool) -> list[int]:
    units, most = -(-length // align_px), max(1, tile_px // align_px)
    count = -(-units // most)
    if not even:
        return [*(most * i * align_px for i in range(count)), length]
    return [*(units * i // count * align_px for i in range(count)), length]


def tile_for_budget(
    size: tuple[int, int],
    budget_bytes: float,
    bytes_per_px: float,
    halo_px: int,
    align_px: int,
    *,
    used_bytes: float | None = None,
) -> int:
    """Return the largest tile side that keeps the run within a memory budget; 0 if no tiles are needed.

    Raises:
        InputError: not even the smallest useful tile fits.
    """
    used = psutil.Process().memory_info().rss if used_bytes is None else used_bytes
    free = budget_bytes - used - PICTURE_BUFFERS * 3 * FLOAT_BYTES * size[0] * size[1]
    if free >= bytes_per_px * size[0] * size[1]:
        return 0
    halo_px = -(-halo_px // align_px) * align_px  # as `plan_tiles` will
    side = int((max(free, 0) / bytes_per_px) ** 0.5) - 2 * halo_px
    side = side // align_px * align_px
    smallest = max(align_px, 64)
    if side < smallest:
        least = used + (budget_bytes - used - free) + bytes_per_px * (smallest + 2 * halo_px) ** 2
        raise InputError(
            f"{format_bytes(budget_bytes)} of memory is too little for {size[1]} x {size[0]} px with this layer; "
            f"it needs about {format_bytes(least)}, or a smaller --size"
        )
    return side


def fits_whole(
    size: tuple[int, int], budget_bytes: float, bytes_per_px: float, *, used_bytes: float | None = None
) -> bool:
    """Tell whether a picture can be worked in one piece within a memory budget."""
    used = psutil.Process().memory_info().rss if used_bytes is None else used_bytes
    pixels = size[0] * size[1]
    return used + (PICTURE_BUFFERS * 3 * FLOAT_BYTES + bytes_per_px) * pixels <= budget_bytes


def memory_budget(text: str | None, device: torch.device) -> tuple[float, float]:
    """Return (bytes that may be used in all, bytes in use now) on a device.

    Without a limit from the user it is what is in use plus `SHARE_OF_FREE` of what is free.
    """
    if device.type == "cuda":
        used = float(torch.cuda.memory_allocated(device))
        free = float(torch.cuda.mem_get_info(device)[0])
    else:
        used = float(psutil.Process().memory_info().rss)
        free = float(psutil.virtual_memory().available)
    return (float(parse_bytes(text)) if text is not None else used + SHARE_OF_FREE * free), used
