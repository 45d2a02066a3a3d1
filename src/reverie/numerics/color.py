"""Color spaces: decorrelated and OKLab. Images are ``[B, 3, H, W]`` sRGB, values in [0, 1] unless said otherwise.

A gradient step in a space where the three axes are independent and of equal variance moves hue, saturation and
brightness at natural rates; in RGB nearly all of it goes into brightness.
Source: Olah, Mordvintsev, Schubert 2017, "Feature Visualization", doi 10.23915/distill.00007, preconditioning.

OKLab separates lightness L from two axes of color a and b, so that hues stay put when lightness changes.
Source: Ottosson 2020, "A perceptual color space for image processing"; sRGB from IEC 61966-2-1.
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


TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)  # linear sRGB to cone responses
TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)  # cube roots of cone responses to OKLab
GAMUT_SLACK = 2e-6  # what float32 loses on the way to OKLab and back, in linear light
BISECTIONS = 22  # leave less than one step of 16 bits
STRIP_PIXELS = 1 << 19  # worked on at once: bounds the memory for large pictures


def srgb_to_linear(images: Tensor) -> Tensor:
    """Return linear light from gamma-encoded sRGB; negative values are mirrored."""
    size = images.abs()
    return images.sign() * torch.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(images: Tensor) -> Tensor:
    """Return gamma-encoded sRGB from linear light: the inverse of `srgb_to_linear`."""
    size = images.abs()
    return images.sign() * torch.where(
        size <= 0.0031308, size * 12.92, 1.055 * size.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    )


def to_oklab(images: Tensor) -> Tensor:
    """Return L in [0, 1] and a, b in about [-0.4, 0.4] of sRGB pictures ``[..., 3, H, W]``."""
    cones = _mapped(TO_LMS, srgb_to_linear(images))
    return _mapped(TO_LAB, cones.sign() * cones.abs() ** (1 / 3))


def from_oklab(lab: Tensor) -> Tensor:
    """Return sRGB pictures, outside of [0, 1] where the color is: the inverse of `to_oklab`."""
    return linear_to_srgb(_linear_from_oklab(lab))


def with_chroma_of(images: Tensor, photo: Tensor) -> Tensor:
    """Return pictures with their own lightness and the OKLab color (a, b) of a photo of the same size.

    Where that color does not exist at that lightness, as little of it as necessary is taken away, its hue unchanged.
    Grey stays exactly grey, and a pixel that equals the photo's stays it, bit for bit.
    """
    result = torch.empty_like(images)
    rows = max(1, STRIP_PIXELS // images.shape[-1])
    for top in range(0, images.shape[-2], rows):
        part = slice(top, top + rows)
        result[..., part, :] = _with_chroma_of(images[..., part, :], photo[..., part, :].to(images))
    return result


def _with_chroma_of(images: Tensor, photo: Tensor) -> Tensor:
    lightness, color = to_oklab(images)[:, :1].clamp(0, 1), to_oklab(photo)[:, 1:]
    linear = _linear_from_oklab(torch.cat([lightness, color], 1))
    outside = _outside(linear, dim=1)
    if outside.any():
        linear.movedim(1, -1)[outside] = _inside(lightness[:, 0][outside], color.movedim(1, -1)[outside])
    result = linear_to_srgb(linear.clamp_(0, 1))
    grey = photo.amax(1, keepdim=True) == photo.amin(1, keepdim=True)
    result = torch.where(grey, linear_to_srgb(lightness**3), result)
    return torch.where((images == photo).all(1, keepdim=True), photo, result)


def _inside(lightness: Tensor, color: Tensor) -> Tensor:
    """Return the linear light ``[N, 3]`` of ``[N]`` and ``[N, 2]`` with as much of the color as the gamut has."""
    least, most = torch.zeros_like(lightness), torch.ones_like(lightness)
    for _ in range(BISECTIONS):
        share = (least + most) / 2
        found = _linear_from_oklab(torch.stack([lightness, *(color * share[:, None]).T])[..., None])[..., 0]
        inside = ~_outside(found, dim=0)
        least, most = torch.where(inside, share, least), torch.where(inside, most, share)
    return _linear_from_oklab(torch.stack([lightness, *(color * least[:, None]).T])[..., None])[..., 0].T


def _outside(linear: Tensor, dim: int) -> Tensor:
    return (linear.amin(dim) < -GAMUT_SLACK) | (linear.amax(dim) > 1 + GAMUT_SLACK)


def _linear_from_oklab(lab: Tensor) -> Tensor:
    return _mapped(TO_LMS, _mapped(TO_LAB, lab, inverse=True) ** 3, inverse=True)


def _mapped(rows: Sequence[Sequence[float]], images: Tensor, *, inverse: bool = False) -> Tensor:
    matrix = torch.tensor(rows, dtype=torch.float64)
    matrix = torch.linalg.inv(matrix) if inverse else matrix
    return torch.einsum("rc,...chw->...rhw", matrix.to(images), images)
