"""How strong each frequency is in natural pictures, as a curve over frequency alone.

A profile is ``[C, BINS]``: the root mean square of an ortho spectrum's magnitude around each of `centers`, in
log-spaced steps of cycles per pixel. Being free of size and direction, one measurement serves pictures of every shape,
and it is small enough to be written into them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.numerics.fourier import frequencies, to_spectrum

BINS = 40
LOWEST, HIGHEST = 1 / 512, 0.5**0.5  # cycles per pixel; the corner of the spectrum is the highest there is


def centers() -> Tensor:
    """Return the frequencies that a profile is sampled at, ``[BINS]``, in cycles per pixel."""
    return torch.logspace(torch.tensor(LOWEST).log2().item(), torch.tensor(HIGHEST).log2().item(), BINS, base=2)


class RadialMean:
    """Collects the mean power of pictures of any sizes, one after the other."""

    def __init__(self, channels: int = 3) -> None:
        self._power = torch.zeros(channels, BINS, dtype=torch.float64)
        self._weight = torch.zeros(BINS, dtype=torch.float64)

    def add(self, picture: Tensor) -> None:
        """Add one picture ``[C, H, W]``; a Hann window keeps its borders, where it would wrap around, out of it."""
        height, width = picture.shape[-2:]
        window = torch.hann_window(height, periodic=False)[:, None] * torch.hann_window(width, periodic=False)
        power = window.square().mean()
        centered = picture - (picture * window).sum((-2, -1), keepdim=True) / window.sum()
        spectrum = to_spectrum(centered * window).abs().square() / power
        lower, share = _places(frequencies(height, width))
        values = spectrum.double().flatten(1)
        for place, part in ((lower, 1 - share), (lower + 1, share)):
            self._power.index_add_(1, place.flatten(), values * part.flatten())
            self._weight.index_add_(0, place.flatten(), part.flatten().double())

    def profile(self) -> Tensor:
        """Return the profile so far; bins that no picture reached go on from their neighbor as ``1 / f``."""
        known = torch.nonzero(self._weight > 0).flatten()
        nearest = (torch.arange(BINS)[:, None] - known).abs().argmin(1)
        mean = self._power[:, known] / self._weight[known]
        beyond = centers()[known][nearest] / centers()
        return mean[:, nearest].sqrt().float() * beyond


def magnitude_of(profile: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the magnitude ``[C, H, W // 2 + 1]`` of an rfft2 spectrum with this profile, straight lines in log-log."""
    lower, share = _places(frequencies(*size))
    logs = profile.clamp_min(1e-12).log()
    return (logs[:, lower] * (1 - share) + logs[:, lower + 1] * share).exp()


def _places(frequency: Tensor) -> tuple[Tensor, Tensor]:
    """Return the bin below each frequency, and how far it is on its way to the next."""
    logs = frequency.clamp(LOWEST, HIGHEST).log2()
    low, high = torch.tensor([LOWEST, HIGHEST]).log2().tolist()
    position = ((logs - low) / (high - low) * (BINS - 1)).clamp(0, BINS - 1 - 1e-4)
    lower = position.floor().long()
    return lower, position - lower
