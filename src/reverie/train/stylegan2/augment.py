"""Augmentations that gradients pass through, for what a discriminator sees.

Pictures are ``[B, C, H, W]`` in [-1, 1]; randomness comes from a generator.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

SHIFT, CUT = 1 / 8, 1 / 2  # of the side, as published


def diff_augment(images: Tensor, generator: Generator, colored: int = 0) -> Tensor:
    """Return pictures with other colors, shifted, with a square cut out.

    Of pictures that carry more than one, only the last `colored` channels get other colors; 0 for all.

    Source: Zhao et al. 2020, arXiv 2006.10738: brightness +-0.5, saturation 0 to 2, contrast 0.5 to 1.5, shift up to
    1/8 with zeros, a square of half the side set to zero.
    """
    changed = _colored(images[:, -colored:], generator)
    if 0 < colored < images.shape[1]:
        changed = torch.cat([images[:, :-colored], changed], 1)
    return _cut(_shifted(changed, generator), generator)


def _uniform(count: int, low: float, high: float, generator: Generator, like: Tensor) -> Tensor:
    return (torch.rand(count, 1, 1, 1, generator=generator) * (high - low) + low).to(like)


def _colored(images: Tensor, generator: Generator) -> Tensor:
    count = len(images)
    images = images + _uniform(count, -0.5, 0.5, generator, images)
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * _uniform(count, 0, 2, generator, images) + grey
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * _uniform(count, 0.5, 1.5, generator, images) + mean


def _shifted(images: Tensor, generator: Generator) -> Tensor:
    height, width = images.shape[2:]
    top, left = round(height * SHIFT), round(width * SHIFT)
    padded = F.pad(images, (left, left, top, top))
    rows = torch.randint(2 * top + 1, (len(images),), generator=generator).tolist()
    columns = torch.randint(2 * left + 1, (len(images),), generator=generator).tolist()
    parts = [padded[i, :, r : r + height, c : c + width] for i, (r, c) in enumerate(zip(rows, columns, strict=True))]
    return torch.stack(parts)


def _cut(images: Tensor, generator: Generator) -> Tensor:
    height, width = images.shape[2:]
    rows, columns = round(height * CUT), round(width * CUT)
    middle_y = torch.randint(height + 1, (len(images), 1, 1), generator=generator)
    middle_x = torch.randint(width + 1, (len(images), 1, 1), generator=generator)
    y, x = torch.arange(height)[None, :, None] - middle_y, torch.arange(width)[None, None] - middle_x
    inside = (y >= -rows // 2) & (y < rows - rows // 2) & (x >= -columns // 2) & (x < columns - columns // 2)
    return images * (~inside)[:, None].to(images)


def ada_augment(images: Tensor, p: float, generator: Generator) -> Tensor:
    """Return pictures with each operation of the "bgc" pipeline done with probability `p`.

    One affine map of the plane (mirror, quarter turns, whole shifts, scale, turns, stretch, shifts), sampled once, and
    one of the colors (brightness, contrast, luma flip, hue, saturation).

    Source: Karras et al. 2020, arXiv 2006.06676, appendix B. Differs: bilinear sampling with mirrored borders instead
    of wavelet filters; at the small sizes trained here the difference is below the noise of the training.
    """
    return _colors_changed(_moved(images, p, generator), p, generator)


def _happens(count: int, p: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator) < p


def _moved(images: Tensor, p: float, generator: Generator) -> Tensor:
    count = len(images)
    plane = torch.eye(3).expand(count, 3, 3)

    def chosen(values: Tensor, chance: float, otherwise: float) -> Tensor:
        return torch.where(_happens(count, chance, generator), values, torch.full((count,), otherwise))

    def normal(spread: float) -> Tensor:
        return torch.randn(count, generator=generator) * spread

    def uniform() -> Tensor:
        return torch.rand(count, generator=generator) * 2 - 1

    plane = plane @ _scaled(chosen(torch.sign(uniform()), p, 1.0), torch.ones(count))
    turns = torch.randint(4, (count,), generator=generator) * (math.pi / 2)
    plane = plane @ _turned(chosen(turns, p, 0.0))
    plane = plane @ _shift(chosen(uniform() / 4, p, 0.0), chosen(uniform() / 4, p, 0.0))
    size = chosen(torch.exp2(normal(0.2)), p, 1.0)
    plane = plane @ _scaled(size, size)
    once = 1 - math.sqrt(max(0.0, 1 - p))  # two turns, each with this chance, are one with p
    plane = plane @ _turned(chosen(uniform() * math.pi, once, 0.0))
    stretch = chosen(torch.exp2(normal(0.2)), p, 1.0)
    plane = plane @ _scaled(stretch, 1 / stretch)
    plane = plane @ _turned(chosen(uniform() * math.pi, once, 0.0))
    plane = plane @ _shift(chosen(normal(0.25), p, 0.0), chosen(normal(0.25), p, 0.0))
    grid = F.affine_grid(plane[:, :2].to(images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _scaled(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], -1))


def _turned(angle: Tensor) -> Tensor:
    found = torch.eye(3).repeat(len(angle), 1, 1)
    found[:, 0, 0], found[:, 0, 1] = angle.cos(), -angle.sin()
    found[:, 1, 0], found[:, 1, 1] = angle.sin(), angle.cos()
    return found


def _shift(x: Tensor, y: Tensor) -> Tensor:
    found = torch.eye(3).repeat(len(x), 1, 1)
    found[:, 0, 2], found[:, 1, 2] = x, y
    return found


def _colors_changed(images: Tensor, p: float, generator: Generator) -> Tensor:
    """One affine map of colors a picture; grey pictures and alpha keep to brightness and contrast."""
    count, channels = len(images), images.shape[1]

    def chosen(values: Tensor, otherwise: float) -> Tensor:
        picked = torch.where(_happens(count, p, generator), values, torch.full((count,), otherwise))
        return picked.to(images)[:, None, None]

    shift = chosen(torch.randn(count, generator=generator) * 0.2, 0.0)
    contrast = chosen(torch.exp2(torch.randn(count, generator=generator) * 0.5), 1.0)
    if channels < 3:
        return images * contrast[..., None] + shift[..., None]
    axis = torch.full((3, 1), 1 / math.sqrt(3)).to(images)
    along = axis @ axis.T
    eye = torch.eye(3).to(images)
    flip = chosen(torch.ones(count), 0.0)
    flip = flip * (torch.rand(count, generator=generator) < 0.5).to(images)[:, None, None]
    angle = chosen((torch.rand(count, generator=generator) * 2 - 1) * math.pi, 0.0)
    saturation = chosen(torch.exp2(torch.randn(count, generator=generator)), 1.0)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]).to(images) / math.sqrt(3)
    hue = along + angle.cos() * (eye - along) + angle.sin() * cross
    mix = (along + (eye - along) * saturation) @ hue @ (eye - 2 * along * flip) * contrast
    offset = (
        (along + (eye - along) * saturation) @ hue @ (eye - 2 * along * flip) @ (shift * torch.ones(3, 1).to(images))
    )
    flat = images[:, :3].flatten(2)
    changed = (mix @ flat + offset).reshape(count, 3, *images.shape[2:])
    return torch.cat([changed, images[:, 3:]], 1) if channels > 3 else changed
