"""Modulated convolutions over tiles, as in `reverie.models.stylegan2.tiled`, in loops that numba compiles.

The transforms have few operations there (`reverie.models.stylegan2.loops`), and style, demodulation, bias, grain, leaky
ReLU and bound are part of them. They round otherwise in the last bits. Strips of a picture are shared out among
threads; each is computed as by a single one, to the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.models.winograd import SIDE, TILE
from reverie.numerics.machine_code import has_numba
from reverie.numerics.side_by_side import side_by_side

LANES = 16  # channels at once
AT_ONCE = 64  # tiles
PAD = 16  # numbers between maps that would else lie in the same places of the cache
UNBOUNDED = 3e38  # nearly the largest float32
Floats = NDArray[np.float32]


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


def _flat(tensor: Tensor) -> Floats:
    return tensor.detach().reshape(-1).numpy()


def _one(pixels: Tensor, kernels: Tensor, numbers: tuple[Tensor, ...], bound: float, out: Tensor) -> None:
    """Fill one picture ``[H, W, O]``, in strips that threads take one after the other as they get free."""
    height, width, _ = pixels.shape
    rows = max(1, min(height // TILE, AT_ONCE * TILE // width))
    flat, place = tuple(_flat(tensor) for tensor in numbers), _flat(out)
    tops = range(0, height, TILE * rows)
    waiting = iter(tops)

    @torch.inference_mode()  # each thread has a mode of its own
    def some(_: int) -> None:
        strips = _Strips(pixels, kernels, rows)
        for top in waiting:
            strips.fill(top, flat, bound, place)

    side_by_side(some, min(len(tops), torch.get_num_threads()))


class _Strips:
    """The room that one thread needs for strips of some rows of tiles, one after the other."""

    def __init__(self, pixels: Tensor, kernels: Tensor, rows: int) -> None:
        from reverie.models.stylegan2.loops import ROOM  # needs numba

        _, width, channels = pixels.shape
        self.pixels, self.kernels, self.rows, self.across = pixels, kernels, rows, width // TILE
        self.most = min(AT_ONCE, rows * self.across)  # tiles
        self.window = pixels.new_zeros(TILE * rows + 2, width + 2, channels)  # its sides stay zero
        self.entered = pixels.new_empty(SIDE**2, self.most * channels + PAD)
        self.product = pixels.new_empty(SIDE**2 * self.most * kernels.shape[2])
        self.room = _flat(pixels.new_empty(ROOM))

    def fill(self, top: int, numbers: Sequence[Floats], bound: float, out: Floats) -> None:
        """Compute the strip that begins at row `top` of the picture."""
        from reverie.models.stylegan2.loops import inward, outward

        (height, width, channels), outputs = self.pixels.shape, self.kernels.shape[2]
        style, scale, bias, grain = numbers
        window, entered, product = _flat(self.window), _flat(self.entered), _flat(self.product)
        here, noise = out[top * width * outputs :], grain[top * width :]
        tiles = min(self.rows, (height - top) // TILE) * self.across
        _fill(self.window, self.pixels, top)
        for first in range(0, tiles, self.most):
            count = min(self.most, tiles - first)
            inward(window, style, first, count, self.across, entered, self.entered.shape[1], self.room)
            left = self.entered[:, : count * channels].view(SIDE**2, count, channels)
            found = self.product[: SIDE**2 * count * outputs].view(SIDE**2, count, outputs)
            torch.bmm(left, self.kernels, out=found)
            outward(product, first, count, self.across, scale, bias, noise, bound, here, self.room)


def _fill(window: Tensor, pixels: Tensor, top: int) -> None:
    """Put pixels ``[H, W, C]`` into the window, from the row above `top` on; zeros outside of the picture."""
    height, width, _ = pixels.shape
    first, last = max(0, top - 1), min(height, top + len(window) - 1)
    window[: first - top + 1] = 0
    window[first - top + 1 : last - top + 1, 1 : width + 1] = pixels[first:last]
    window[last - top + 1 :] = 0
