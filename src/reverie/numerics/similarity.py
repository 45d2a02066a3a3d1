"""How near one picture is to another: peak signal-to-noise ratio and structural similarity."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

WINDOW_PX = 11
SIGMA_PX = 1.5
FLAT, FAINT = 0.01**2, 0.03**2  # C1 and C2, for values in [0, 1]
LARGEST_DB = 100.0  # what equal pictures count as, so that means stay finite


def psnr(images: Tensor, targets: Tensor) -> Tensor:
    """Return ``-10 log10(mean square difference)`` in dB per picture ``[B]``, for values in [0, 1]; at most 100."""
    error = (images.double() - targets.double()).square().mean(dim=(1, 2, 3))
    return -10 * error.clamp(min=10 ** (-LARGEST_DB / 10)).log10()


def ssim(images: Tensor, targets: Tensor) -> Tensor:
    """Return the mean structural similarity per picture ``[B]``, at most 1; channels are averaged.

    ``(2 a b + C1) (2 cov + C2) / ((a^2 + b^2 + C1) (var_a + var_b + C2))`` with local means a, b under a Gaussian
    window of 11 x 11 pixels; only windows that lie inside count. Pictures smaller than that get a window of
    their own size.

    Source: Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural
    similarity", equation 13 and section III-C.
    """
    return structural_similarity(images.double(), targets.double())


def structural_similarity(a: Tensor, b: Tensor) -> Tensor:
    """Return `ssim` in the dtype of the pictures, as a loss needs it; in float32 it is good to about 1e-5."""
    rows, columns = (_line(min(WINDOW_PX, n)) for n in a.shape[-2:])
    mean_a, mean_b = _smooth(a, rows, columns), _smooth(b, rows, columns)
    var_a = _smooth(a * a, rows, columns) - mean_a.square()
    var_b = _smooth(b * b, rows, columns) - mean_b.square()
    covariance = _smooth(a * b, rows, columns) - mean_a * mean_b
    light = (2 * mean_a * mean_b + FLAT) / (mean_a.square() + mean_b.square() + FLAT)
    detail = (2 * covariance + FAINT) / (var_a + var_b + FAINT)
    return (light * detail).mean(dim=(1, 2, 3))


def _line(count: int) -> Tensor:
    places = torch.arange(count, dtype=torch.float64) - (count - 1) / 2
    line = torch.exp(-places.square() / (2 * SIGMA_PX**2))
    return line / line.sum()


def _smooth(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    channels = images.shape[1]
    down = rows.to(images).view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    across = columns.to(images).view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    return F.conv2d(F.conv2d(images, down, groups=channels), across, groups=channels)
