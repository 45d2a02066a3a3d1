"""Linear maps between decorrelated and sRGB color. Images are ``[B, 3, H, W]``, values in [0, 1] unless said otherwise.

A gradient step in a space where the three axes are independent and of equal variance moves hue, saturation and
brightness at natural rates; in RGB nearly all of it goes into brightness.
Source: Olah, Mordvintsev, Schubert 2017, "Feature Visualization", doi 10.23915/distill.00007, preconditioning.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Square root of the color covariance of ImageNet, as published with the article above.
NATURAL_CORRELATION = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


def correlation_matrix(rows: Sequence[Sequence[float]] = ()) -> Tensor:
    """Return the ``[3, 3]`` map from decorrelated to RGB color, scaled so that its longest column has length one."""
    matrix = torch.tensor(rows or NATURAL_CORRELATION, dtype=torch.float32)
    return matrix / matrix.norm(dim=0).max()


def correlate(images: Tensor, matrix: Tensor) -> Tensor:
    """Map decorrelated channels to RGB (before any squashing to [0, 1])."""
    return torch.einsum("rc,bchw->brhw", matrix.to(images), images)


def decorrelate(images: Tensor, matrix: Tensor) -> Tensor:
    """Map RGB (before squashing) to decorrelated channels: the inverse of `correlate`."""
    return torch.einsum("rc,bchw->brhw", torch.linalg.inv(matrix.double()).to(images), images)
