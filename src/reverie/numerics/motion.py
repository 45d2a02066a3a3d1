"""Steady motion of a picture: zoom, turn and pan, given per second, whatever the frame rate.

Places are complex numbers ``x + iy`` in pixels from the center of the picture, y pointing down. Zoom factor ``s``,
turn ``w`` and velocity ``v`` per second are the flow ``dz/dt = (ln s + iw) z + v``. Its solution over any time is a
similarity ``z -> az + b``, and solutions compose: sixty steps of 1/60 s are exactly ten of 1/10 s. Multiplying the
factor by the share of a second instead, as is often done, makes a film at another frame rate another film.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.numerics.spline import spline_sample

PIECES = 8  # of a frame within which changing rates count as steady; the error falls with the square


@dataclass(frozen=True)
class Rates:
    """What a second does to a picture.

    Attributes:
        zoom: factor by which things grow; above one the view moves in.
        rotate_deg: turn of the picture, clockwise.
        pan: how far the view wanders to the right and down, as shares of width and height.
    """

    zoom: float = 1.0
    rotate_deg: float = 0.0
    pan: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Similarity:
    """The map ``z -> factor * z + offset`` of places; zoom is ``abs(factor)``, the turn its angle."""

    factor: complex = 1.0
    offset: complex = 0.0

    def then(self, later: Similarity) -> Similarity:
        """Return this map followed by another."""
        return Similarity(later.factor * self.factor, later.factor * self.offset + later.offset)

    @property
    def inverse(self) -> Similarity:
        return Similarity(1 / self.factor, -self.offset / self.factor)


def steady(rates: Rates, seconds: float, size: tuple[int, int]) -> Similarity:
    """Return what constant rates do to a picture of `size` (height, width) in some time."""
    growth = complex(math.log(rates.zoom), math.radians(rates.rotate_deg)) * seconds
    velocity = -complex(rates.pan[0] * size[1], rates.pan[1] * size[0])
    # (exp(g) - 1) / g, whose limit at zero is one; the series avoids the cancellation near it
    mean = (cmath.exp(growth) - 1) / growth if abs(growth) > 1e-4 else 1 + growth / 2 + growth**2 / 6
    return Similarity(cmath.exp(growth), velocity * seconds * mean)


def changing(rates: Callable[[float], Rates], start_s: float, end_s: float, size: tuple[int, int]) -> Similarity:
    """Return what rates that change over time do between two moments."""
    step = (end_s - start_s) / PIECES
    total = Similarity()
    for piece in range(PIECES):
        total = total.then(steady(rates(start_s + (piece + 0.5) * step), step, size))
    return total


def moved(images: Tensor, motion: Similarity, border: str = "reflect") -> Tensor:
    """Return pictures ``[B, C, H, W]`` after a motion, the same size; what lies outside is mirrored or repeated.

    Resampled by cubic splines; values may leave [0, 1] slightly. No motion returns the same tensor.
    """
    if motion == Similarity():
        return images
    height, width = images.shape[-2:]
    back = motion.inverse
    y = torch.arange(height, dtype=torch.float64)[:, None] - (height - 1) / 2
    x = torch.arange(width, dtype=torch.float64)[None, :] - (width - 1) / 2
    a, b = complex(back.factor), complex(back.offset)
    columns = a.real * x - a.imag * y + b.real + (width - 1) / 2
    rows = a.imag * x + a.real * y + b.imag + (height - 1) / 2
    return spline_sample(images, rows, columns, border)
