"""Look at a picture between its pixels, by cubic B-splines.

A film in which every frame is the last one moved a little resamples a picture hundreds of times, so the gain of a
single resampling is raised to that power. At a quarter of the sampling rate and half a pixel off, bilinear keeps 0.71
and a Catmull-Rom cubic 0.88, but a cubic spline 0.97. The cubic of ``F.grid_sample`` (a = -0.75) does worse than
blur: it amplifies waves of six pixels by 3 % each time, and more than tenfold in a hundred frames.
Source: Unser 1999, "Splines: a perfect fit for signal and image processing", equations 17 to 19 (the prefilter).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

POLE = 3**0.5 - 2  # of the filter that undoes sampling a cubic B-spline, [1 4 1] / 6
REACH = 14  # |POLE| ** 14 is 1e-8: below the rounding of float32
MARGIN = 2  # pixels around the picture that the outermost splines reach into


def spline_sample(images: Tensor, rows: Tensor, columns: Tensor, border: str = "reflect") -> Tensor:
    """Return the picture's values at any places, ``[B, C, h, w]``.

    Args:
        images: ``[B, C, H, W]``, float.
        rows: ``[h, w]`` vertical positions in pixels, 0 at the center of the first row; best in float64, which not
            every device has, so they may lie on another one than the picture.
        columns: ``[h, w]`` horizontal positions.
        border: ``reflect`` mirrors the picture at its edges, ``wrap`` repeats it.

    At whole positions the values are the picture's own, to 1e-4; between them they may overshoot its range a little.
    The sixteen B-splines around a place are four bilinear looks, each between two of them by their weights.
    Source: Sigg & Hadwiger 2005, "Fast third-order texture filtering", GPU Gems 2, chapter 20.
    """
    padded = _padded(spline_coefficients(images, border), MARGIN, border)
    result = images.new_zeros(*images.shape[:2], *rows.shape)
    for row_weight, row in _looks(rows, images.shape[-2], border):
        for column_weight, column in _looks(columns, images.shape[-1], border):
            places = torch.stack([column, row], -1).to(images).expand(len(images), -1, -1, -1)
            looked = F.grid_sample(padded, places, mode="bilinear", padding_mode="zeros", align_corners=False)
            result.addcmul_(looked, (row_weight * column_weight).to(images))
    return result


def spline_coefficients(images: Tensor, border: str = "reflect") -> Tensor:
    """Return the weights of B-splines, one per pixel, that add up to the picture at every pixel."""
    steps = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
    kernel = (3**0.5 * POLE ** steps.abs()).to(images)
    kernels = kernel.repeat(images.shape[1], 1, 1, 1)
    padded = _padded(images, REACH, border)
    across = F.conv2d(padded, kernels, groups=images.shape[1])
    return F.conv2d(across, kernels.transpose(2, 3), groups=images.shape[1])


def _looks(positions: Tensor, length: int, border: str) -> list[tuple[Tensor, Tensor]]:
    """Return, along one axis, two weights and the places to look at, in `grid_sample`'s units of the padded picture."""
    inside = _folded_position(positions, length, border)
    first = inside.floor()
    t = inside - first
    before, here, after = (1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, t**3 / 6
    left = before + here
    right = 1 - left
    places = (first - 1 + here / left, first + 1 + after / right)
    return [(w, (p + MARGIN + 0.5) * 2 / (length + 2 * MARGIN) - 1) for w, p in zip((left, right), places, strict=True)]


def _padded(images: Tensor, margin: int, border: str) -> Tensor:
    for axis in (-2, -1):
        length = images.shape[axis]
        wide = torch.arange(-margin, length + margin, dtype=torch.float64)
        index = _folded_position(wide, length, border).round().long()
        images = images.index_select(axis, index.to(images.device))
    return images


def _folded_position(positions: Tensor, length: int, border: str) -> Tensor:
    """Return places inside the picture for any places; mirrors stand half a pixel outside of the edge pixels."""
    if border == "wrap":
        return positions % length
    turned = (positions + 0.5) % (2 * length)
    return torch.where(turned < length, turned, 2 * length - turned) - 0.5
