"""Normalize the gradient of a picture, so that a step has the same visible size whatever the objective's scale.

Gradients of deep layers may be as small as 1e-21 and still point the right way: nothing here adds an epsilon,
divisions are guarded by comparing with zero. All functions take ``[B, C, H, W]`` and treat each picture alone;
`weight` ``[1 or B, 1, H, W]`` restricts the statistics to a mask.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Normalize = Callable[[Tensor, Tensor | None], Tensor]

LEVELS = 4  # of the Laplacian pyramid


def mean_abs_normalized(gradient: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return ``g / mean|g|``. Source: Mordvintsev et al. 2015, the original DeepDream notebook."""
    return _divided(gradient, _mean(gradient.abs(), weight))


def std_normalized(gradient: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return ``g / std(g)``. Source: the TensorFlow DeepDream tutorial; no epsilon (theirs stops small gradients)."""
    scale = _mean(gradient.abs(), weight)  # avoids the underflow of squaring 1e-21 in float32
    scaled = _divided(gradient, scale)
    centered = scaled - _mean(scaled, weight)
    return _divided(scaled, _mean(centered.square(), weight).sqrt())


def laplacian_normalized(gradient: Tensor, weight: Tensor | None = None, levels: int = LEVELS) -> Tensor:
    """Return the gradient with every band of a Laplacian pyramid brought to equal strength, then mean-abs normalized.

    Low frequencies, weak in the raw gradient, become visible as soft color. Source: Mordvintsev et al., the
    TensorFlow 1 DeepDream example (``lap_normalize``). Differs: an even kernel, so that coarse bands are not shifted.
    """
    if weight is not None:
        gradient = gradient * (weight > 0)  # what lies outside would leak in through the coarse bands
    low, part = _divided(gradient, _mean(gradient.abs(), weight)), weight
    bands = []
    for _ in range(levels):
        if min(low.shape[-2:]) < 4:
            break
        smaller = _blurred_half(low)
        band = low - _enlarged(smaller, low.shape[-2:])
        bands.append(_divided(band, _mean(band.square(), part).sqrt()))
        low, part = smaller, None if part is None else _blurred_half(part)
    merged = _divided(low, _mean(low.square(), part).sqrt())
    for band in reversed(bands):
        merged = _enlarged(merged, band.shape[-2:]) + band
    return mean_abs_normalized(merged, weight)


NORMALIZATIONS: dict[str, Normalize] = {
    "mean-abs": mean_abs_normalized,
    "std": std_normalized,
    "laplacian": laplacian_normalized,
}


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return values.mean(dim=(1, 2, 3), keepdim=True)
    total = (weight.sum(dim=(1, 2, 3), keepdim=True) * values.shape[1]).clamp_min(1e-12)
    return (values * weight).sum(dim=(1, 2, 3), keepdim=True) / total


def _divided(values: Tensor, scale: Tensor) -> Tensor:
    return values / torch.where(scale > 0, scale, torch.ones_like(scale))


def _blurred_half(images: Tensor) -> Tensor:
    """Return every second place of a binomial blur, centered between two pixels, which is where bilinear looks."""
    height, width = images.shape[-2:]
    kernel = images.new_tensor([1.0, 3.0, 3.0, 1.0]) / 8
    channels = images.shape[1]
    padded = F.pad(images, (1, 1 + width % 2, 1, 1 + height % 2), mode="reflect")
    across = F.conv2d(padded, kernel.view(1, 1, 1, 4).expand(channels, 1, 1, 4), stride=(1, 2), groups=channels)
    return F.conv2d(across, kernel.view(1, 1, 4, 1).expand(channels, 1, 4, 1), stride=(2, 1), groups=channels)


def _enlarged(images: Tensor, size: torch.Size) -> Tensor:
    doubled = F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    return doubled[..., : size[0], : size[1]]
