"""Curves through latent space: pure functions of their points and a place u on the curve."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Curve = Callable[[float], Tensor]
"""Gives the point of a curve at u in [0, 1]."""

HARMONICS = 3  # waves a loop of noise is made of, for one turn


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return the point between two latents z on the arc between their directions; lengths go straight.

    sin((1-t) W)/sin W a + sin(t W)/sin W b for unit vectors, W the angle between them. Source: Shoemake 1985.
    """
    norm_a, norm_b = a.norm(), b.norm()
    first, second = a / norm_a, b / norm_b
    angle = torch.acos((first * second).sum().clamp(-1, 1))
    if angle.sin() < 1e-4:
        return a.lerp(b, t)
    along = (torch.sin((1 - t) * angle) * first + torch.sin(t * angle) * second) / angle.sin()
    return along * norm_a.lerp(norm_b, t)


def polyline(points: Tensor, between: Callable[[Tensor, Tensor, float], Tensor], *, closed: bool) -> Curve:
    """Return the curve that goes from point to point ``[N, ...]``, all segments equally long in u."""
    segments = len(points) if closed else max(1, len(points) - 1)

    def at(u: float) -> Tensor:
        number, t = segment(u, segments)
        return between(points[number % len(points)], points[(number + 1) % len(points)], t)

    return at


def spline(points: Tensor, *, closed: bool) -> Curve:
    """Return the cubic spline through points ``[N, ...]``, smooth in its second derivative, also where it closes."""
    from scipy.interpolate import CubicSpline

    if len(points) == 1:
        return lambda u: points[0]
    flat = points.double().cpu().numpy().reshape(len(points), -1)
    if closed:
        flat = np.concatenate([flat, flat[:1]])
    places = np.linspace(0, 1, len(flat))
    if len(flat) < 3:
        return polyline(points, lambda a, b, t: a.lerp(b, t), closed=closed)
    found = CubicSpline(places, flat, bc_type="periodic" if closed else "natural")
    return lambda u: torch.from_numpy(found(u)).reshape(points.shape[1:]).to(points)


def local_spline(points: Tensor, *, closed: bool) -> Curve:
    """Return the smooth curve through points ``[N, ...]`` whose segments know their four nearest points alone.

    Cubic Hermite with tangents (p_{i+1} - p_{i-1}) / 2; at open ends the one-sided difference. Moving a point leaves
    all but four segments as they are. Source: Catmull, Rom 1974, A class of local interpolating splines.
    """
    count = len(points)
    segments = count if closed else max(1, count - 1)

    def point(number: int) -> Tensor:
        return points[number % count] if closed else points[min(max(number, 0), count - 1)]

    def tangent(number: int) -> Tensor:
        lone = not closed and number in (0, count - 1)
        return (point(number + 1) - point(number - 1)) * (1.0 if lone else 0.5)

    def at(u: float) -> Tensor:
        number, t = segment(u, segments)
        a, b, out, into = point(number), point(number + 1), tangent(number), tangent(number + 1)
        cube, square = t**3, t**2
        return (a * (2 * cube - 3 * square + 1) + out * (cube - 2 * square + t) + b * (3 * square - 2 * cube)
                + into * (cube - square))  # fmt: skip

    return at


def circle(a: Tensor, b: Tensor, turns: float) -> Curve:
    """Return cos(2 pi turns u) a + sin(2 pi turns u) b: of normal a and b each point is normal too."""
    return lambda u: a * math.cos(2 * math.pi * turns * u) + b * math.sin(2 * math.pi * turns * u)


def noise_loop(size: int, turns: float, generator: torch.Generator) -> Curve:
    """Return a smooth random closed curve of `size` values, each of variance 1 along it.

    z_d(u) = sqrt(2 / K) sum_{k=1..K} cos(2 pi (k u + p_dk)) over K = 3 turns harmonics with random phases p.
    """
    waves = max(1, round(HARMONICS * turns))
    phases = torch.rand(size, waves, generator=generator)
    numbers = torch.arange(1, waves + 1)

    def at(u: float) -> Tensor:
        return torch.cos(2 * math.pi * (numbers * u + phases)).sum(1) * math.sqrt(2 / waves)

    return at


def segment(u: float, segments: int) -> tuple[int, float]:
    """Return the segment that u lies in and how far; u = 1 is the end of the last."""
    place = min(max(u, 0.0), 1.0) * segments
    number = min(int(place), segments - 1)
    return number, place - number


def frame_places(frames: int, *, closed: bool) -> np.ndarray:
    """Return u of each frame: a loop ends one frame before it begins anew, so that none is shown twice."""
    return np.arange(frames) / (frames if closed else max(1, frames - 1))


def even_places(
    curve: Callable[[float], Tensor], measure: Callable[[Tensor], Tensor], samples: int
) -> Callable[[float], float]:
    """Return u -> u' such that what `measure` sees changes at constant speed along the curve.

    Args:
        curve: gives a point for u.
        measure: gives features ``[N, D]`` of points ``[N, ...]``; distances between neighbors are speeds.
        samples: points at which the curve is looked at.
    """
    places = np.linspace(0, 1, samples)
    features = measure(torch.stack([curve(float(u)) for u in places]))
    steps = (features[1:] - features[:-1]).norm(dim=1).double().cpu().numpy()
    way = np.concatenate([[0.0], np.cumsum(steps)])
    if way[-1] <= 0:
        return lambda u: u
    return lambda u: float(np.interp(u, way / way[-1], places))
