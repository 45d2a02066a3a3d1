"""Modulated convolutions over tiles, as in `reverie.models.stylegan2.tiled`, in loops that numba compiles.

The transforms have few operations there (`reverie.models.stylegan2.loops`), and style, demodulation, bias, grain, leaky
ReLU and bound are part of them. They round otherwise in the last bits. Strips of a picture are shared out among
threads; each is computed as by a single one, to the same bits.
"""

from __future__ import annotations

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
        pixels, numbers = x[number].permute(1, 2, 0).contiguous(), (style[number], scale[number], bias, grain_of_one)
        _one(pixels, kernels, numbers, bound or UNBOUNDED, out[number])
    return out.permute(0, 3, 1, 2)


def _maps(grain: Tensor | None, batch: int, height: int, width: int) -> Tensor:
    """Return grain ``[B, H, W]``."""
    return (torch.zeros(1, 1) if grain is None else grain).expand(batch, 1, height, width)[:, 0]


def _flat(tensor: Tensor) -> Floats:
    return tensor.detach().reshape(-1).numpy()


def _one(pixels: Tensor, kernels: Tensor, numbers: tuple[Tensor, ...], bound: float, out: Tensor) -> None:
    """Fill one picture ``[H, W, O]``, in parts that threads take one after the other as they get free."""
    from reverie.models.stylegan2.loops import ROOM, inward, outward  # needs numba

    style, scale, bias, grain = (_flat(tensor) for tensor in numbers)
    height, across, channels, outputs = len(pixels), pixels.shape[1] // TILE, pixels.shape[2], kernels.shape[2]
    parts = _parts(height // TILE, across)
    most, waiting, all_in, all_out = parts[0][1], iter(parts), _flat(pixels), _flat(out)

    @torch.inference_mode()  # each thread has a mode of its own
    def some(_: int) -> None:
        entered = torch.empty(SIDE**2, most * channels + PAD)
        product, room = torch.empty(SIDE**2 * most * outputs), _flat(torch.empty(ROOM))
        flat_entered, flat_product = _flat(entered), _flat(product)
        for first, count in waiting:
            inward(all_in, style, first, count, across, flat_entered, entered.shape[1], room)
            left = entered[:, : count * channels].view(SIDE**2, count, channels)
            torch.bmm(left, kernels, out=product[: SIDE**2 * count * outputs].view(SIDE**2, count, outputs))
            outward(flat_product, first, count, across, scale, bias, grain, bound, all_out, room)

    side_by_side(some, min(len(parts), torch.get_num_threads()))


def _parts(down: int, across: int) -> list[tuple[int, int]]:
    """Return the first tile and the number of tiles of each part: some whole rows, or a piece of one."""
    rows = min(down, max(1, AT_ONCE // across))
    most = min(AT_ONCE, rows * across)
    ends = [(top * across, min(down, top + rows) * across) for top in range(0, down, rows)]
    return [(first, min(most, end - first)) for begin, end in ends for first in range(begin, end, most)]
