"""Filters of pictures ``[B, C, H, W]`` in [0, 1], channel by channel unless said otherwise; borders are mirrored."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.numerics.kernels import blurred, correlated
from reverie.numerics.mirror import mirrored

EMBOSS = ((-2.0, -1.0, 0.0), (-1.0, 1.0, 1.0), (0.0, 1.0, 2.0))  # sums to 1: flat places keep their color
RANDOM_PX = 5


def gaussian(images: Tensor, sigma: float = 2.0) -> Tensor:
    """Return a Gaussian blur."""
    return blurred(images, sigma).clamp(0, 1)


def emboss(images: Tensor) -> Tensor:
    """Return the picture as if lit from the upper left."""
    return correlated(images, torch.tensor(EMBOSS)).clamp(0, 1)


def median(images: Tensor, radius: float = 1.0) -> Tensor:
    """Return the median of every window of ``2 radius + 1`` pixels."""
    reach = round(radius)
    windows = torch.stack([window for _, _, window in _windows(images, reach)])
    return windows.median(dim=0).values


def bilateral(images: Tensor, sigma: float = 2.0, contrast: float = 0.1) -> Tensor:
    """Return a blur that stops at edges: weights fall with the distance in pixels and with that of the colors.

    Source: Tomasi & Manduchi 1998, "Bilateral filtering for gray and color images", equations 3 to 5; windows end at
    two deviations.
    """
    reach = math.ceil(2 * sigma)
    total, weights = torch.zeros_like(images), torch.zeros_like(images[:, :1])
    for row, column, window in _windows(images, reach):
        near = math.exp(-(row * row + column * column) / (2 * sigma * sigma))
        distance = (window - images).square().sum(1, keepdim=True)
        weight = near * torch.exp(distance / (-2 * contrast * contrast))
        total += weight * window
        weights += weight
    return total / weights


def kuwahara(images: Tensor, radius: float = 3.0) -> Tensor:
    """Return, for each pixel, the mean of that quadrant around it whose colors vary least.

    Source: Kuwahara et al. 1976; the variances of the channels are added up.
    """
    side = round(radius) + 1
    means, spreads = _quadrants(images, side), _quadrants(images.square(), side)
    variance = (spreads - means.square()).sum(2, keepdim=True)
    chosen = variance.argmin(0, keepdim=True).expand(-1, -1, images.shape[1], -1, -1)
    return means.gather(0, chosen)[0].clamp(0, 1)


def posterize(images: Tensor, levels: float = 4.0) -> Tensor:
    """Return every channel at `levels` equally distant values."""
    count = round(levels)
    return (images * count).floor().clamp(0, count - 1) / (count - 1)


def random_convolution(images: Tensor, seed: int = 0) -> Tensor:
    """Return ``1/2 + K * images`` for a random kernel of 5 x 5 pixels that mixes channels; its sum is 0, its norm 1.

    ``[B, 3, H, W]``, also from grey pictures.
    """
    generator = torch.Generator().manual_seed(seed)
    kernel = torch.randn(3, images.shape[1], RANDOM_PX, RANDOM_PX, generator=generator)
    kernel = kernel - kernel.mean(dim=(1, 2, 3), keepdim=True)
    kernel = kernel / kernel.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
    wide = mirrored(images, *[RANDOM_PX // 2] * 4)
    return (0.5 + F.conv2d(wide, kernel.to(images))).clamp(0, 1)


def _windows(images: Tensor, reach: int) -> list[tuple[int, int, Tensor]]:
    """Return (row, column, view) for every offset of a square window."""
    height, width = images.shape[-2:]
    wide = mirrored(images, reach, reach, reach, reach)
    places = [(row, column) for row in range(-reach, reach + 1) for column in range(-reach, reach + 1)]
    return [(r, c, wide[..., reach + r : reach + r + height, reach + c : reach + c + width]) for r, c in places]


def _quadrants(images: Tensor, side: int) -> Tensor:
    """Return the means ``[4, B, C, H, W]`` of the squares whose corner each pixel is."""
    height, width = images.shape[-2:]
    wide = mirrored(images, *[side - 1] * 4)
    means = F.avg_pool2d(wide, side, 1)
    last = side - 1
    return torch.stack([means[..., t : t + height, x : x + width] for t in (0, last) for x in (0, last)])
