"""A picture whose spectrum has a fixed, natural magnitude; only where things are, the phase, can change.

No frequency can be made stronger than nature has it, so the noise that fools a network has nowhere to go.
Source: Fel et al. 2023, "Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization",
arXiv 2306.06805, section 3.
Differs: neither phases nor pictures are standardized at every step. Magnitudes being fixed, so is the variance
(Parseval); it is set once. The magnitude is a curve over frequency, analytic or measured, instead of a file to fetch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from reverie.canvas.spectrum import MARGIN
from reverie.numerics.color import correlate, correlation_matrix, decorrelate
from reverie.numerics.fourier import natural_scale, resize_spectrum, to_image, to_spectrum
from reverie.numerics.radial import magnitude_of

DECAY = 1.4  # of the analytic magnitude: photographs have 1 to 1.4, and steeper means less noise


class PhaseCanvas(nn.Module):
    """Fixed magnitude, trained phase, mapped to RGB by a color correlation and a sigmoid.

    Args:
        phase: ``[B, 3, H, W // 2 + 1]`` in radians.
        magnitude: ``[1 or B, 3, H, W // 2 + 1]``, of an ortho spectrum in decorrelated color.
        size: ``(H, W)``, needed because odd and even widths share a spectrum width.
        matrix: ``[3, 3]`` from `reverie.numerics.color.correlation_matrix`.
    """

    matrix: Tensor
    magnitude: Tensor

    def __init__(self, phase: Tensor, magnitude: Tensor, size: tuple[int, int], matrix: Tensor | None = None) -> None:
        super().__init__()
        self.size = size
        self.phase = nn.Parameter(phase.detach().clone())
        self.register_buffer("magnitude", magnitude.detach().clone())
        self.register_buffer("matrix", correlation_matrix() if matrix is None else matrix)

    @classmethod
    def noise(
        cls, size: tuple[int, int], generator: torch.Generator, *, batch: int = 1, matrix: Tensor | None = None,
        profile: Tensor | None = None, contrast: float = 1.0,
    ) -> PhaseCanvas:  # fmt: skip
        """Start from random phases.

        `profile` is a measured one (`reverie.numerics.radial`), absent the analytic ``1 / f ** DECAY``. `contrast` is
        the standard deviation before color and sigmoid.
        """
        shape = (batch, 3, size[0], size[1] // 2 + 1)
        phase = math.pi * (2 * torch.rand(shape, generator=generator) - 1)
        return cls(phase, natural_magnitude(size, profile, contrast)[None], size, matrix)

    @classmethod
    def from_images(cls, images: Tensor, *, matrix: Tensor | None = None) -> PhaseCanvas:
        """Start from photographs ``[B, 3, H, W]`` in [0, 1], keeping the magnitude that each has."""
        matrix = correlation_matrix() if matrix is None else matrix
        logits = torch.logit(images.detach().float().clamp(MARGIN, 1 - MARGIN))
        spectrum = to_spectrum(decorrelate(logits, matrix))
        size = (images.shape[-2], images.shape[-1])
        return cls(spectrum.angle(), spectrum.abs(), size, matrix).to(images.device)

    def forward(self, view: object | None = None) -> Tensor:
        return torch.sigmoid(correlate(to_image(torch.polar(*self._polar()), self.size), self.matrix))

    def resized(self, size: tuple[int, int]) -> PhaseCanvas:
        """Return the same picture at another size; new high frequencies have, and keep, no magnitude."""
        moved = resize_spectrum(torch.polar(*self._polar()).detach(), self.size, size)
        return PhaseCanvas(moved.angle(), moved.abs(), size, self.matrix).to(self.phase.device)

    def _polar(self) -> tuple[Tensor, Tensor]:
        return self.magnitude.expand_as(self.phase), self.phase


def natural_magnitude(size: tuple[int, int], profile: Tensor | None = None, contrast: float = 1.0) -> Tensor:
    """Return ``[3, H, W // 2 + 1]`` magnitudes, scaled so that a picture of random phases has this deviation.

    The mean over the three channels is scaled, so that a measured profile keeps their relative strength.
    """
    magnitude = natural_scale(*size, DECAY).expand(3, -1, -1) if profile is None else magnitude_of(profile, size)
    variance = torch.full((magnitude.shape[-1],), 2.0)  # a stored column stands for itself and its mirror image
    variance[0] = 0.5  # its own mirror image: only the part of it that is real on average counts
    if size[1] % 2 == 0:
        variance[-1] = 0.5
    power = (variance * magnitude.square()).mean(0).sum() / (size[0] * size[1])
    return contrast * magnitude * power.rsqrt()
