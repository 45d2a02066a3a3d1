"""Real two-dimensional spectra with natural scale.

Conventions: images ``[..., H, W]``; spectra ``[..., H, W // 2 + 1]`` complex as of `torch.fft.rfft2` with
``norm="ortho"``; frequencies in cycles per pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor


def frequencies(height: int, width: int) -> Tensor:
    """Return the length of the frequency vector at each place of an rfft2 spectrum, ``[H, W // 2 + 1]``."""
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None, :]
    return torch.hypot(down, across)


def natural_scale(height: int, width: int, decay: float = 1.0) -> Tensor:
    """Return the expected magnitude of a photograph's spectrum, ``1 / f ** decay``, finite at zero.

    Source: Field 1987, "Relations between the statistics of natural images"; as a preconditioner Olah et al. 2017.
    """
    return frequencies(height, width).clamp_min(1 / max(height, width)) ** -decay


def low_pass(height: int, width: int, cut: float) -> Tensor:
    """Return a factor for each place of an rfft2 spectrum, ``[H, W // 2 + 1]``: 1, half at `cut`, then 0.

    It falls along half a cosine from 0.7 to 1.3 times the cut, which rings less than a sharp edge would.
    """
    beyond = ((frequencies(height, width) / cut - 0.7) / 0.6).clamp(0, 1)
    return (1 + torch.cos(torch.pi * beyond)) / 2


def to_image(spectrum: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the real image of a spectrum; `size` is needed because odd and even widths share a spectrum width."""
    return torch.fft.irfft2(spectrum, s=size, norm="ortho")


def to_spectrum(image: Tensor) -> Tensor:
    """Return the spectrum of a real image."""
    return torch.fft.rfft2(image, norm="ortho")


def resize_spectrum(spectrum: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Return the spectrum of the same picture at another size: frequencies are cropped or padded with zeros.

    Values keep their meaning per pixel, so the picture's contrast does not change.
    """
    rows, columns = min(old[0], new[0]), min(old[1], new[1]) // 2 + 1
    top = (rows + 1) // 2
    result = spectrum.new_zeros(*spectrum.shape[:-2], new[0], new[1] // 2 + 1)
    result[..., :top, :columns] = spectrum[..., :top, :columns]
    if rows > top:
        result[..., top - rows :, :columns] = spectrum[..., top - rows :, :columns]
    _share_highest(result, spectrum[..., :columns], old, new)
    gain = (new[0] * new[1] / (old[0] * old[1])) ** 0.5
    return result * gain


def _share_highest(result: Tensor, spectrum: Tensor, old: tuple[int, int], new: tuple[int, int]) -> None:
    """Treat the highest frequency of even sizes, which stands for its positive and its negative twin at once.

    Enlarged, it is shared between the two; reduced, the two add up. Otherwise the finest stripes would double.
    """
    half = min(old[0], new[0]) // 2
    if old[0] % 2 == 0 and new[0] > old[0]:
        result[..., -half, :] /= 2
        result[..., half, :] = result[..., -half, :]
    elif new[0] % 2 == 0 and new[0] < old[0]:
        result[..., half, : spectrum.shape[-1]] += spectrum[..., half, :]
    if old[1] % 2 == 0 and new[1] > old[1]:
        result[..., old[1] // 2] /= 2
    elif new[1] % 2 == 0 and new[1] < old[1]:
        result[..., new[1] // 2] *= 2
