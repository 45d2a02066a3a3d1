"""3 x 3 convolutions with a quarter of the multiplications: Winograd's way, tile by tile of 4 x 4 positions.

A tile of 6 x 6 inputs gives 4 x 4 outputs by 36 products a pair of channels where the plain sum takes 144:
``Y = A^T [(G g G^T) * (B^T d B)] A``. The products of all tiles and channels are 36 matrix products, and the transforms
are matrix products, too. A picture is worked in strips of tiles that stay in the processor's cache.

Source: Lavin & Gray 2015, arXiv 1509.09308; Winograd 1980, "Arithmetic complexity of computations"; the matrices by
Cook and Toom from points at which polynomials are multiplied.
Differs: both axes in one product of 36 x 36; points 0, +-1, +-1/2 (Barabasz et al. 2018, arXiv 1803.10986).
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

TAPS, TILE = 3, 4
SIDE = TAPS + TILE - 1
POINTS = (0.0, 1.0, -1.0, 0.5, -0.5)  # and infinity
LEAST_CHANNELS = 64  # on either side, and
LEAST_PRODUCT = 96 * 64  # of both: below, the transforms cost what the products save
LEAST_TILES = 12  # of a picture: below, reading the transformed kernel costs more
STRIP_TILES = 128  # at least so many at once: 36 numbers a tile and channel, some megabytes in all


@functools.cache
def matrices() -> tuple[Tensor, Tensor, Tensor]:
    """Return ``A^T [4, 6]``, ``G [6, 3]`` and ``B^T [6, 6]`` in float64."""
    points = np.array(POINTS)
    outputs, kernel, inputs = np.zeros((TILE, SIDE)), np.zeros((SIDE, TAPS)), np.zeros((SIDE, SIDE))
    for i, point in enumerate(points):
        others = np.delete(points, i)
        outputs[:, i] = point ** np.arange(TILE)
        kernel[i] = point ** np.arange(TAPS) / (point - others).prod()
        inputs[i, :-1] = np.poly(others)[::-1]  # the polynomial with these roots, the constant first
    outputs[-1, -1] = kernel[-1, -1] = 1
    inputs[-1] = np.poly(points)[::-1]
    found = [torch.from_numpy(matrix) for matrix in (outputs, kernel, inputs)]
    return found[0], found[1], found[2]


@functools.cache
def both_axes() -> tuple[Tensor, Tensor]:
    """Return the transforms of outputs ``[16, 36]`` and inputs ``[36, 36]`` over both axes, in float32."""
    outputs, _, inputs = matrices()
    return torch.kron(outputs, outputs).float(), torch.kron(inputs, inputs).float()


def turned(weight: Tensor) -> Tensor:
    """Return the kernels ``[36, in, out]`` of a weight ``[out, in, 3, 3]``, contiguous: four times its memory."""
    _, kernel, _ = matrices()
    outputs, inputs = weight.shape[:2]
    factors = torch.kron(kernel, kernel) @ weight.double().reshape(outputs * inputs, TAPS * TAPS).T
    return factors.to(weight.dtype).view(SIDE * SIDE, outputs, inputs).transpose(1, 2).contiguous()


def fits(weight: Tensor, step: int, padding: int) -> bool:
    """Tell whether a kernel ``[out, in, k, k]`` can be applied so, with zeros around the picture."""
    channels = weight.shape[:2]
    pays = min(channels) >= LEAST_CHANNELS and channels.numel() >= LEAST_PRODUCT
    return pays and weight.shape[-2:] == (TAPS, TAPS) and step == 1 and padding == 1


def pays(shape: torch.Size) -> bool:
    """Tell whether a picture ``[B, C, H, W]`` has tiles enough."""
    return -(-shape[-2] // TILE) * -(-shape[-1] // TILE) >= LEAST_TILES


def bytes_of(weight: Tensor) -> int:
    """Return what a kernel ``[out, in, 3, 3]`` takes transformed."""
    return SIDE * SIDE * weight.shape[0] * weight.shape[1] * weight.itemsize


class Winograd:
    """A kernel that `fits`, transformed.

    Args:
        weight: ``[out, in, 3, 3]``.
    """

    def __init__(self, weight: Tensor) -> None:
        self.factors = turned(weight)

    def __call__(self, x: Tensor, bias: Tensor | None, *, relu: bool, added: Tensor | None = None) -> Tensor:
        """Return the convolution of ``[B, in, H, W]`` (channels_last) padded by zeros, with what is added and a ReLU.

        `added` ``[B, out, H, W]`` is added before the ReLU.
        """
        count, channels, height, width = x.shape
        out = torch.empty((count, self.factors.shape[2], height, width), memory_format=torch.channels_last)
        pixels, there, more = (None if t is None else t.permute(0, 2, 3, 1) for t in (x, out, added))
        assert pixels is not None and there is not None
        rows, columns = -(-height // TILE), -(-width // TILE)
        strip = min(rows, -(-STRIP_TILES // columns))
        group = min(count, -(-STRIP_TILES // (rows * columns)))
        room = x.new_empty(group, TILE * strip + 2, TILE * columns + 2, channels)
        for number in range(0, count, group):
            several = slice(number, number + group)
            for top in range(0, height, TILE * strip):
                here = slice(top, min(height, top + TILE * strip))
                window = _window(room, pixels[several], top)
                result = self._strip(window, bias)[:, : here.stop - top, :width]
                if more is not None:
                    result += more[several, here]
                target = there[several, here]
                torch.clamp_min(result, 0, out=target) if relu else target.copy_(result)
        return out

    def _strip(self, window: Tensor, bias: Tensor | None) -> Tensor:
        """Return ``[b, 4 n, 4 m, out]`` for padded windows ``[b, 4 n + 2, 4 m + 2, in]``."""
        leaving, entering = both_axes()
        count, height, width, channels = window.shape
        rows, columns = (height - 2) // TILE, (width - 2) // TILE
        places = window.unfold(1, SIDE, TILE).unfold(2, SIDE, TILE).permute(4, 5, 0, 1, 2, 3)
        tiles = entering @ places.reshape(SIDE * SIDE, -1)
        products = torch.bmm(tiles.view(SIDE * SIDE, -1, channels), self.factors)
        found = (leaving @ products.view(SIDE * SIDE, -1)).view(TILE, TILE, count * rows, columns, -1)
        found = found.permute(2, 0, 3, 1, 4)
        result = torch.empty(found.shape)
        result.copy_(found) if bias is None else torch.add(found, bias, out=result)
        return result.view(count, TILE * rows, TILE * columns, -1)


def _window(room: Tensor, pixels: Tensor, top: int) -> Tensor:
    """Return windows ``[b, 4 n + 2, 4 m + 2, C]`` from the row above `top` on; zeros where there is no picture."""
    count, height, width, _ = pixels.shape
    rows = -(-min(height - top, room.shape[1] - 2) // TILE)
    window = room[:count, : TILE * rows + 2].zero_()
    first, last = max(0, top - 1), min(height, top + TILE * rows + 1)
    window[:, first - top + 1 : last - top + 1, 1 : width + 1] = pixels[:, first:last]
    return window
