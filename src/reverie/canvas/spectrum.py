"""A picture as its Fourier spectrum in decorrelated color.

Gradient descent in this basis moves all frequencies and color directions at natural rates, which turns the
high-frequency noise of pixel-wise optimization into picture-like forms.
Source: Olah, Mordvintsev, Schubert 2017, "Feature Visualization", doi 10.23915/distill.00007.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reverie.numerics.color import correlate, correlation_matrix, decorrelate
from reverie.numerics.fourier import natural_scale, resize_spectrum, to_image, to_spectrum

MARGIN = 1e-3  # photographs are kept this far from 0 and 1, where the logit is infinite


class SpectrumCanvas(nn.Module):
    """A spectrum scaled by ``1 / f ** decay``, mapped to RGB by a color correlation and a sigmoid.

    Args:
        spectrum: ``[B, 3, H, W // 2 + 1]`` complex, unscaled (order of one).
        size: ``(H, W)``, needed because odd and even widths share a spectrum width.
        matrix: ``[3, 3]`` from `reverie.numerics.color.correlation_matrix`.
        decay: exponent of the natural scale.
    """

    matrix: Tensor
    scale: Tensor

    def __init__(
        self, spectrum: Tensor, size: tuple[int, int], matrix: Tensor | None = None, decay: float = 1.0
    ) -> None:
        super().__init__()
        self.size, self.decay = size, decay
        self.spectrum = nn.Parameter(torch.view_as_real(spectrum.detach().resolve_conj()).clone())
        self.register_buffer("matrix", correlation_matrix() if matrix is None else matrix)
        self.register_buffer("scale", _scale(size, decay))

    @classmethod
    def noise(
        cls, size: tuple[int, int], generator: torch.Generator, *, batch: int = 1,
        matrix: Tensor | None = None, decay: float = 1.0, spread: float = 1.0,
    ) -> SpectrumCanvas:  # fmt: skip
        """Start from noise with a natural spectrum; `spread` is its rms before color and sigmoid."""
        shape = (batch, 3, size[0], size[1] // 2 + 1)
        real, imaginary = (torch.randn(shape, generator=generator) for _ in range(2))
        return cls(spread * torch.complex(real, imaginary), size, matrix, decay)

    @classmethod
    def from_images(cls, images: Tensor, *, matrix: Tensor | None = None, decay: float = 1.0) -> SpectrumCanvas:
        """Start from photographs ``[B, 3, H, W]`` in [0, 1]; reproduced to within the margin of the sigmoid."""
        matrix = correlation_matrix() if matrix is None else matrix
        size = (images.shape[-2], images.shape[-1])
        logits = torch.logit(images.detach().float().clamp(MARGIN, 1 - MARGIN))
        spectrum = to_spectrum(decorrelate(logits, matrix)) / _scale(size, decay).to(images.device)
        return cls(spectrum, size, matrix, decay).to(images.device)

    def forward(self, view: object | None = None) -> Tensor:
        spectrum = torch.view_as_complex(self.spectrum) * self.scale
        return torch.sigmoid(correlate(to_image(spectrum, self.size), self.matrix))

    def resized(self, size: tuple[int, int]) -> SpectrumCanvas:
        """Return the same picture at another size; new high frequencies start at zero."""
        scaled = torch.view_as_complex(self.spectrum.detach()) * self.scale
        moved = resize_spectrum(scaled, self.size, size) / _scale(size, self.decay).to(scaled.device)
        return SpectrumCanvas(moved, size, self.matrix, self.decay).to(scaled.device)


def _scale(size: tuple[int, int], decay: float) -> Tensor:
    """Natural scale, normalized so that unit noise gives a decorrelated picture of mean square one.

    Of an rfft2 spectrum, a stored column stands for itself and its mirror image, with variance 2 each (real and
    imaginary part); the first column and, in even widths, the last are their own mirror images: that leaves variance 1.
    """
    scale = natural_scale(*size, decay)
    variance = torch.full((scale.shape[1],), 4.0)
    variance[0] = 1.0
    if size[1] % 2 == 0:
        variance[-1] = 1.0
    power = (variance * scale.square()).sum() / (size[0] * size[1])
    return scale * power.rsqrt()
