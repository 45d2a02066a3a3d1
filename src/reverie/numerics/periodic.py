"""Make a picture repeat: split it into a part that continues across its borders and a smooth rest that does not."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def periodic(images: Tensor, wrap: tuple[bool, bool]) -> Tensor:
    """Return ``[B, C, H, W]`` with the smooth part taken away that makes opposite borders differ.

    The rest is the sum of the picture's Laplacian without jumps at the borders, so details stay and only slow shades
    are added. Along an axis that need not repeat the picture is mirrored, so that nothing is asked of it there. Values
    may leave the range of the picture a little; the mean of each channel stays.
    Source: Moisan 2011, "Periodic plus smooth image decomposition", equations 9 to 11.

    Args:
        images: ``[B, C, H, W]``, at least 2 px along the axes that repeat.
        wrap: whether it shall repeat downwards and sideways.
    """
    wrap = (wrap[0] and images.shape[-2] > 1, wrap[1] and images.shape[-1] > 1)
    if not any(wrap):
        return images
    result = torch.empty_like(images)
    for image, part in zip(images.flatten(0, 1), result.flatten(0, 1), strict=True):  # one at a time, for memory
        part.copy_(image - _smooth(image, wrap))
    return result


def _smooth(image: Tensor, wrap: tuple[bool, bool]) -> Tensor:
    """Return the smooth part ``[H, W]`` of one channel, of mean zero."""
    jumps = torch.zeros_like(image)
    if wrap[0]:
        difference = image[-1] - image[0]
        jumps[0] += difference
        jumps[-1] -= difference
    if wrap[1]:
        difference = image[:, -1] - image[:, 0]
        jumps[:, 0] += difference
        jumps[:, -1] -= difference
    for dim in (0, 1):
        if not wrap[dim]:
            jumps = torch.cat((jumps, jumps.flip(dim)), dim)
    height, width = jumps.shape
    down = torch.fft.fftfreq(height, dtype=torch.float64).mul_(2 * math.pi).cos_().to(image)[:, None]
    across = torch.fft.rfftfreq(width, dtype=torch.float64).mul_(2 * math.pi).cos_().to(image)[None, :]
    laplacian = 2 * down + 2 * across - 4
    laplacian[0, 0] = 1.0
    spectrum = torch.fft.rfft2(jumps).div_(laplacian)
    spectrum[0, 0] = 0
    return torch.fft.irfft2(spectrum, s=(height, width))[: image.shape[0], : image.shape[1]]
