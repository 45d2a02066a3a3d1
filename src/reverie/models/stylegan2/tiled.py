"""Modulated 3x3 convolutions over tiles of 4 x 4 pixels, for weights that stand still: a quarter of the products.

The way of `reverie.models.winograd`; the style and the demodulation are applied on the way in and out. A few rows of
tiles are worked on at a time, so that they stay in the processor's cache.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.winograd import TILE, both_axes

FEWEST_CHANNELS = 64  # of both sides: with fewer, turning the tiles costs what the products save
FEWEST_TILES, AT_ONCE = 16, 64  # tiles of a picture, and in the cache


def suits_tiles(weight: Tensor, height: int, width: int) -> bool:
    """Tell whether a 3x3 weight ``[O, I, 3, 3]`` on maps of this size is quicker by tiles."""
    whole = height % TILE == 0 and width % TILE == 0
    return whole and min(weight.shape[:2]) >= FEWEST_CHANNELS and height * width // TILE**2 >= FEWEST_TILES


def tiled_conv(x: Tensor, kernels: Tensor, style: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Return scale * conv(style * x) + bias, zeros around x.

    Args:
        x: ``[B, I, H, W]``, float32.
        kernels: of `reverie.models.winograd.turned`.
        style: ``[B, I]``.
        scale: ``[B, O]``.
        bias: ``[O]``.

    Returns:
        ``[B, O, H, W]``, channels last.
    """
    batch, _, height, width = x.shape
    out = x.new_empty(batch, height, width, kernels.shape[2])
    for image, s, d, place in zip(x, style, scale, out, strict=True):
        _one(image, kernels, s, d, bias, place)
    return out.permute(0, 3, 1, 2)


def _one(x: Tensor, kernels: Tensor, style: Tensor, scale: Tensor, bias: Tensor, out: Tensor) -> None:
    channels, height, width = x.shape
    outputs, down, across = kernels.shape[2], height // TILE, width // TILE
    rows = next(n for n in range(min(down, max(1, AT_ONCE // across)), 0, -1) if down % n == 0)
    padded = F.pad(x.permute(1, 2, 0), (0, 0, 1, 1, 1, 1)).contiguous()
    line, column, _ = padded.stride()
    tiles = padded.as_strided(
        (6, 6, down, across, channels), (line, column, TILE * line, TILE * column, 1), padded.storage_offset()
    )
    places = out.view(down, TILE, across, TILE, outputs).permute(1, 3, 0, 2, 4)
    outward, inward = both_axes()
    count = rows * across
    part = x.new_empty(6, 6, rows, across, channels)
    turned, product = x.new_empty(36, count * channels), x.new_empty(36, count, outputs)
    found = x.new_empty(TILE**2, count * outputs)
    for row in range(0, down, rows):
        torch.mul(tiles[:, :, row : row + rows], style, out=part)
        torch.mm(inward, part.view(36, -1), out=turned)
        torch.bmm(turned.view(36, count, channels), kernels, out=product)
        torch.mm(outward, product.view(36, -1), out=found)
        whole = found.view(TILE, TILE, rows, across, outputs)
        torch.addcmul(bias, whole, scale, out=places[:, :, row : row + rows])
