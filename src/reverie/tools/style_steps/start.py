"""What the first scale of a style transfer begins with."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reverie.numerics.resample import resize
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import StylePictures

GREY_NOISE = 1 / 255  # enough to break the symmetry of a flat picture
SPREAD = 0.25  # of noise around the middle grey, cut off at black and white


def first_picture(content: Tensor, pictures: StylePictures, config: StyleConfig, generator: Generator) -> Tensor:
    """Return ``[1, 3, H, W]`` in [0, 1] of the size of `content`, on the CPU's random numbers.

    ``content`` as it is; ``noise``, normal around the middle grey; ``style``, normal with mean and deviation of the
    styles' colors; ``grey``; or any picture, enlarged.
    """
    if pictures.start is not None:
        return resize(pictures.start, (content.shape[-2], content.shape[-1])).clamp(0, 1).contiguous()
    if config.init == "content":
        return content.clone()
    noise = torch.randn(content.shape, generator=generator)
    if config.init == "noise":
        return (0.5 + SPREAD * noise).clamp(0, 1)
    if config.init == "grey":
        return (0.5 + GREY_NOISE * noise).clamp(0, 1)
    mean, deviation = style_colors(pictures)
    return (mean + deviation * noise).clamp(0, 1)


def style_colors(pictures: StylePictures) -> tuple[Tensor, Tensor]:
    """Return mean and deviation ``[1, 3, 1, 1]`` of the colors of all styles, by their weights."""
    styles = pictures.styles or tuple(s for region in pictures.regions for s in region.styles)
    total = sum(abs(s.weight) for s in styles)
    means = [s.image.mean((2, 3), keepdim=True) for s in styles]
    squares = [s.image.square().mean((2, 3), keepdim=True) for s in styles]
    share = [abs(s.weight) / total for s in styles]
    mean = torch.stack([w * m for w, m in zip(share, means, strict=True)]).sum(0)
    square = torch.stack([w * m for w, m in zip(share, squares, strict=True)]).sum(0)
    return mean, (square - mean.square()).clamp(min=0).sqrt()
