"""Filters of edges and lines: pictures ``[B, 1 or 3, H, W]`` in [0, 1] to grey ones ``[B, 1, H, W]`` in [0, 1].

Borders are mirrored; sigma is the standard deviation of a Gaussian blur before, in pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.numerics.kernels import blurred, correlated, grey, slopes

SOBEL = (1.0, 2.0, 1.0)
SCHARR = (0.75, 2.5, 0.75)  # 3 10 3, at the gain of Sobel
LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
RATIO = 1.6  # of the deviations of a difference of Gaussians that comes nearest to a Laplacian (Marr & Hildreth 1980)
DOG_GAIN = 4.0  # so that the lines of a photograph can be seen


def sobel(images: Tensor, sigma: float = 0.85) -> Tensor:
    """Return the magnitude of the slope, ``sqrt(x^2 + y^2)``, by Sobel's kernels as they are, cut at 1.

    The default blur is the binomial ``1 2 1`` of OpenCV's 3 x 3 Gaussian to within 1e-3.
    """
    return _magnitude(blurred(grey(images), sigma), SOBEL)


def scharr(images: Tensor, sigma: float = 0.85) -> Tensor:
    """Return the same by Scharr's kernels, which see slopes of every direction equally."""
    return _magnitude(blurred(grey(images), sigma), SCHARR)


def laplacian(images: Tensor, sigma: float = 0.85) -> Tensor:
    """Return the magnitude of the Laplacian, cut at 1."""
    return correlated(blurred(grey(images), sigma), torch.tensor(LAPLACIAN)).abs().clamp(0, 1)


def dog(images: Tensor, sigma: float = 1.0) -> Tensor:
    """Return a difference of Gaussians around middle grey: ``1/2 + 4 (G(sigma) - G(1.6 sigma))``."""
    fine = grey(images)
    return (0.5 + DOG_GAIN * (blurred(fine, sigma) - blurred(fine, RATIO * sigma))).clamp(0, 1)


def xdog(images: Tensor, sigma: float = 1.0, sharpness: float = 15.0, threshold: float = 0.5) -> Tensor:
    """Return ink on paper: white above the threshold of a sharpened picture, a soft step to black below.

    ``S = (1 + p) G(sigma) - p G(1.6 sigma)``; ``1`` where ``S >= threshold``, else ``1 + tanh(10 (S - threshold))``.

    Source: Winnemoeller, Kyprianidis, Olsen 2012, "XDoG: an extended difference-of-Gaussians compendium", section 2.5.
    """
    fine = grey(images)
    near, far = blurred(fine, sigma), blurred(fine, RATIO * sigma)
    sharp = (1 + sharpness) * near - sharpness * far
    return torch.where(sharp >= threshold, 1.0, 1 + torch.tanh(10 * (sharp - threshold))).clamp(0, 1)


def _magnitude(images: Tensor, across: tuple[float, float, float]) -> Tensor:
    right, down = slopes(images, across)
    return torch.hypot(right, down).clamp(0, 1)
