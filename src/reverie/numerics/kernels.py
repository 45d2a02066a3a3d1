"""Small kernels and what they do to pictures: correlation at mirrored borders, Gaussian blur, grey."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.numerics.mirror import mirrored

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what OpenCV and Pillow make grey with
FEW = 9  # taps of a line that are added one by one


def grey(images: Tensor) -> Tensor:
    """Return the luma ``[B, 1, H, W]`` of ``[B, 1 or 3, H, W]``."""
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device)
    return torch.einsum("bchw,c->bhw", images, weights)[:, None]


def correlated(images: Tensor, kernel: Tensor) -> Tensor:
    """Return every channel correlated with `kernel` ``[h, w]`` of odd sides, at the same size.

    Differs from a convolution in that the kernel is not turned around, as in OpenCV's ``filter2D``.
    """
    height, width = kernel.shape
    wide = _wide(images, height // 2, width // 2)
    if 1 in kernel.shape and kernel.numel() <= FEW:
        return _along(wide, kernel.flatten().tolist(), 2 if width == 1 else 3)
    channels = images.shape[1]
    weight = kernel.to(images).expand(channels, 1, height, width)
    return F.conv2d(wide, weight, groups=channels)


def _wide(images: Tensor, down: int, across: int) -> Tensor:
    """Return pictures mirrored by so much on either side; where torch can, by torch, several times as fast."""
    height, width = images.shape[-2:]
    if down < height and across < width and images.is_contiguous() and not images.requires_grad:
        return F.pad(images, (across, across, down, down), mode="reflect")
    return mirrored(images, down, down, across, across)


def _along(wide: Tensor, taps: Sequence[float], axis: int) -> Tensor:
    """Return the sum of shifted pictures, each times its tap: for few taps faster than a convolution of one channel."""
    size = wide.shape[axis] - len(taps) + 1
    parts = [(wide.narrow(axis, i, size), tap) for i, tap in enumerate(taps) if tap]
    total = parts[0][0] * parts[0][1]
    for part, tap in parts[1:]:
        total = total.add(part, alpha=tap)
    return total


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Return `images` after a Gaussian blur of standard deviation `sigma` in pixels; 0 leaves them as they are."""
    if sigma <= 0:
        return images
    line = torch.tensor(gaussian_line(sigma), dtype=images.dtype, device=images.device)
    return correlated(correlated(images, line[None, :]), line[:, None])


@cache
def gaussian_line(sigma: float) -> tuple[float, ...]:
    """Return a sampled Gaussian that sums to 1 and changes continuously with `sigma`: its last taps fade in.

    Source: radius and deviation are related as in OpenCV's ``getGaussianKernel``, ``radius = (sigma - 0.8) / 0.3 + 1``.
    Differs: 0.85 instead of 0.8, where the kernel is OpenCV's own of three taps, ``1 2 1``; and the fading.
    """
    radius, reach = gaussian_radius(sigma), _fading_reach(sigma)
    taps = range(-radius, radius + 1)
    values = [math.exp(-(i * i) / (2 * sigma * sigma)) * min(1.0, reach - abs(i)) for i in taps]
    return tuple(value / sum(values) for value in values)


def gaussian_radius(sigma: float) -> int:
    """Return how far `blurred` sees, in pixels."""
    return math.ceil(_fading_reach(sigma)) - 1 if sigma > 0 else 0


def _fading_reach(sigma: float) -> float:
    return max(2.0, round((sigma - 0.85) / 0.3 + 2, 9))


def slopes(images: Tensor, across: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Return the slopes to the right and downwards: central differences ``(-1, 0, 1)``, smoothed by `across`."""
    smooth = torch.tensor(tuple(across), dtype=images.dtype, device=images.device)
    difference = torch.tensor((-1.0, 0.0, 1.0), dtype=images.dtype, device=images.device)
    right = correlated(correlated(images, difference[None, :]), smooth[:, None])
    down = correlated(correlated(images, smooth[None, :]), difference[:, None])
    return right, down
