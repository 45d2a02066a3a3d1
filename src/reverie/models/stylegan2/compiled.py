"""Modulated convolutions over tiles, as in `reverie.models.stylegan2.tiled`, in loops that numba compiles.

The transforms have few operations there (`reverie.models.stylegan2.loops`), and style, demodulation, bias, grain, leaky
ReLU and bound are part of them. They round otherwise in the last bits.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.models.winograd import SIDE, TILE
from reverie.numerics.machine_code import has_numba

LANES = 16  # channels at once
AT_ONCE = 64  # tiles
PAD = 16  # numbers between maps that would else lie in the same places of the cache
UNBOUNDED = 3e38  # nearly the largest float32


def suits_loops(weight: Tensor) -> bool:
    """Tell whether a weight ``[O, I, 3, 3]`` can be applied so."""
    return has_numba() and all(channels % LANES == 0 for channels in weight.shape[:2])


def compiled_conv(
    x: Tensor, kernels: Tensor, style: Tensor, scale: Tensor, bias: Tensor, grain: Tensor | None, bound: float | None
) -> Tensor:
    """Return the leaky ReLU of scale * conv(style * x) + bias + grain, zeros around x.

    Args:
        x: ``[B, I, H, W]``, float32; sides in whole tiles.
        kernels: of `reverie.models.winograd.turned`.
        style: ``[B, I]``.
        scale: ``[B, O]``.
        bias: ``[O]``.
        grain: ``[H, W]`` or ``[B, 1, H, W]``, or None.
        bound: of the absolute value, or None.

    Returns:
        ``[B, O, H, W]``, channels last.
    """
    batch, _, height, width = x.shape
    out = x.new_empty(batch, height, width, kernels.shape[2])
    for number, grain_of_one in enumerate(_maps(grain, batch, height, width)):
        pixels, numbers = x[number].permute(1, 2, 0), (style[number], scale[number], bias, grain_of_one)
        _one(pixels, kernels, numbers, bound or UNBOUNDED, out[number])
    return out.permute(0, 3, 1, 2)


def _maps(grain: Tensor | None, batch: int, height: int, width: int) -> Tensor:
    """Return grain ``[B, H, W]``."""
    return (torch.zeros(1, 1) if grain is None else grain).expand(batch, 1, height, width)[:, 0]


def _flat(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().reshape(-1).numpy()


def _one(pixels: Tensor, kernels: Tensor, numbers: tuple[Tensor, ...], bound: float, out: Tensor) -> None:
    from reverie.models.stylegan2.loops import ROOM, inward, outward  # needs numba

    style, scale, bias, grain = (_flat(tensor) for tensor in numbers)
    height, width, channels = pixels.shape
    across, outputs = width // TILE, kernels.shape[2]
    rows = max(1, min(height // TILE, AT_ONCE // across))
    window = pixels.new_zeros(TILE * rows + 2, width + 2, channels)  # its sides stay zero
    most = min(AT_ONCE, rows * across)
    entered, product = pixels.new_empty(SIDE**2, most * channels + PAD), pixels.new_empty(SIDE**2 * most * outputs)
    flat_window, flat_entered, flat_product, flat_out = (_flat(t) for t in (window, entered, product, out))
    room = _flat(pixels.new_empty(ROOM))
    for top in range(0, height, TILE * rows):
        tiles = min(rows, (height - top) // TILE) * across
        _fill(window, pixels, top)
        here, noise = flat_out[top * width * outputs :], grain[top * width :]
        for first in range(0, tiles, most):
            count = min(most, tiles - first)
            inward(flat_window, style, first, count, across, flat_entered, entered.shape[1], room)
            left = entered[:, : count * channels].view(SIDE**2, count, channels)
            torch.bmm(left, kernels, out=product[: SIDE**2 * count * outputs].view(SIDE**2, count, outputs))
            outward(flat_product, first, count, across, scale, bias, noise, bound, here, room)


def _fill(window: Tensor, pixels: Tensor, top: int) -> None:
    """Put pixels ``[H, W, C]`` into the window, from the row above `top` on; zeros outside of the picture."""
    height, width, _ = pixels.shape
    first, last = max(0, top - 1), min(height, top + len(window) - 1)
    window[: first - top + 1] = 0
    window[first - top + 1 : last - top + 1, 1 : width + 1] = pixels[first:last]
    window[last - top + 1 :] = 0
