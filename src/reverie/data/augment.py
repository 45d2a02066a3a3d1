"""Augment a whole batch at once with tensor operations: one resampling, then color, blur and noise.

Every picture draws its own parameters from an explicit generator, so a batch is a function of its seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augmentation:
    """How strongly training pictures are varied.

    Attributes:
        min_scale: smallest share of the picture's area that a crop keeps, in (0, 1].
        max_aspect: largest ratio of a crop's sides before it is stretched to a square.
        flip: mirror half of the pictures.
        color: brightness, contrast and saturation each change by up to this share.
        noise: standard deviation of added Gaussian noise is drawn from U[0, noise], for values in [0, 1].
        blur: this share of the pictures is blurred by a 3 x 3 binomial filter.
    """

    min_scale: float = 0.45
    max_aspect: float = 1.25
    flip: bool = True
    color: float = 0.2
    noise: float = 0.0
    blur: float = 0.0


def augment(pixels: Tensor, size_px: int, how: Augmentation, generator: Generator) -> Tensor:
    """Return varied pictures ``[B, 3, size_px, size_px]``, float in [0, 1], from uint8 ``[B, 3, S, S]``."""
    images = pixels.float().div_(255)
    images = F.grid_sample(
        images, _crops(len(images), size_px, how, generator), padding_mode="reflection", align_corners=False
    )
    if how.color > 0:
        images = _vary_color(images, how.color, generator)
    if how.blur > 0:
        images = _blur_some(images, how.blur, generator)
    if how.noise > 0:
        sigma = torch.rand(len(images), 1, 1, 1, generator=generator) * how.noise
        images = images + sigma * torch.randn(images.shape, generator=generator)
    return images.clamp_(0, 1)


def center(pixels: Tensor, size_px: int) -> Tensor:
    """Return the whole pictures at evaluation size, float in [0, 1]."""
    images = pixels.float().div_(255)
    if images.shape[-1] == size_px:
        return images
    return F.interpolate(images, (size_px, size_px), mode="bilinear", antialias=True, align_corners=False).clamp_(0, 1)


def _crops(count: int, size_px: int, how: Augmentation, generator: Generator) -> Tensor:
    """Sampling grids ``[B, size, size, 2]`` of random crops, in the [-1, 1] coordinates of `grid_sample`."""
    draw = torch.rand(5, count, generator=generator)
    area = how.min_scale + (1 - how.min_scale) * draw[0]
    aspect = torch.exp((draw[1] * 2 - 1) * math.log(how.max_aspect))
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    x, y = (1 - width) * (draw[2] * 2 - 1), (1 - height) * (draw[3] * 2 - 1)
    if how.flip:
        width = torch.where(draw[4] < 0.5, -width, width)
    zero = torch.zeros(count)
    theta = torch.stack([torch.stack([width, zero, x], 1), torch.stack([zero, height, y], 1)], 1)
    return F.affine_grid(theta, [count, 3, size_px, size_px], align_corners=False)


def _vary_color(images: Tensor, amount: float, generator: Generator) -> Tensor:
    factors = 1 + (torch.rand(3, len(images), 1, 1, 1, generator=generator) * 2 - 1) * amount
    images = images * factors[0]
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + (images - mean) * factors[1]
    grey = images.mean(dim=1, keepdim=True)
    return grey + (images - grey) * factors[2]


def _blur_some(images: Tensor, share: float, generator: Generator) -> Tensor:
    chosen = torch.rand(len(images), generator=generator) < share
    if chosen.any():
        padded = F.pad(images[chosen], (1, 1, 1, 1), mode="replicate")
        images[chosen] = F.avg_pool2d(F.avg_pool2d(padded, 2, 1), 2, 1)
    return images
