"""Run a translator on a picture of any size, in tiles that agree with the whole to rounding.

A network without norms sees a fixed neighborhood, so a halo as wide as that is exact; a border that is the picture's
own is mirrored by the network, as it would be for the whole. Norms over the picture get statistics of all tiles first.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.models.pix2pix import Generator
from reverie.models.translator import Autoencoder, Translator
from reverie.optimize.byte_counts import format_bytes
from reverie.optimize.tiles import exact_tiles
from reverie.tools.fast.tiles import Stage, running_stage

COPIES = 4.0  # of its widest layer that a network holds at once: in, padded, out, activated
PICTURE_BYTES = 28.0  # the picture and the result as floats, and as bytes when read and written; three channels each
LEAST_TILE_PX, MOST_TILE_PX = 64, 1024  # larger ones gain nothing


def translated_tiles(net: Translator, image: Tensor, tile_px: int, out: Tensor) -> Iterator[tuple[int, int]]:
    """Fill `out` ``[1, O, H, W]`` with the translated picture, clamped to [0, 1], yielding (done, total) tiles.

    Args:
        net: in eval mode.
        image: ``[1, C, H, W]`` in [0, 1].
        tile_px: side of the tiles; 0 for one piece.
        out: where the result goes.
    """
    if isinstance(net, Generator) and tile_px:
        yield from _normalized_tiles(net, image, tile_px, out)
        return
    size = (image.shape[2], image.shape[3])
    device = next(net.parameters()).device
    halo, align = net.reach_px, stride_of(net)
    tiles = exact_tiles(size, tile_px, halo, halo, align)
    for number, tile in enumerate(tiles, start=1):
        window = image[..., tile.window_top : tile.window_bottom, tile.window_left : tile.window_right]
        with torch.inference_mode():
            made = net(window.to(device)).clamp(0, 1).to(out.device)
        rows, columns = tile.core_in_window
        out[..., tile.top : tile.bottom, tile.left : tile.right] = made[..., rows, columns]
        yield number, len(tiles)


def _normalized_tiles(net: Generator, image: Tensor, tile_px: int, out: Tensor) -> Iterator[tuple[int, int]]:
    """Work a network with norms: a pass over all tiles for the statistics of each, and one for the result."""
    device = next(net.parameters()).device
    wide = net.widened(image)
    stage = Stage(
        lambda window, seen: net.inside(window.to(device), seen), range(net.norms), net.reach_px, net.stride, (1, 1),
        net.outputs,
    )  # fmt: skip
    yield from running_stage(stage, wide, max(tile_px, net.stride), out)


def translated(net: Translator, image: Tensor, tile_px: int = 0) -> Tensor:
    """Return the translated picture ``[1, O, H, W]`` in [0, 1]."""
    out = image.new_empty(1, net.outputs, *image.shape[2:])
    for _ in translated_tiles(net, image, tile_px, out):
        pass
    return out


def tile_side(net: Translator, size: tuple[int, int], budget_bytes: float, used_bytes: float) -> int:
    """Return the side of tiles that stay within the memory; 0 if the whole picture does.

    Raises:
        InputError: not even small tiles fit.
    """
    each = bytes_per_px(net)
    left = budget_bytes - used_bytes - (PICTURE_BYTES + 4 * max(0, net.outputs - 3)) * size[0] * size[1]
    if left >= each * size[0] * size[1]:
        return 0
    side = int((max(left, 0) / each) ** 0.5) - 2 * (net.reach_px + stride_of(net))
    if side < LEAST_TILE_PX:
        needed = budget_bytes - left + each * (LEAST_TILE_PX + 2 * (net.reach_px + stride_of(net))) ** 2
        raise InputError(
            f"{format_bytes(budget_bytes)} of memory is too little for {size[1]} x {size[0]} px; "
            f"it needs about {format_bytes(needed)}"
        )
    return min(side, MOST_TILE_PX)


def bytes_per_px(net: Translator) -> float:
    """Return how much memory a network takes for each pixel of a window."""
    if isinstance(net, Generator):  # at full size the last layers' input and output count, and what is mirrored
        last = [p for n, p in net.named_parameters() if n in ("rise.weight", "last.weight") or "up.1" in n]
        return COPIES * 4 * max(p.shape[1] for p in last if p.ndim == 4)
    return COPIES * 4 * max(p.shape[0] for p in net.parameters() if p.ndim == 4)


def stride_of(net: Translator) -> int:
    """Return the multiple of pixels on which tiles must begin."""
    if isinstance(net, Generator):
        return net.stride
    return 4 if isinstance(net, Autoencoder) else 1
