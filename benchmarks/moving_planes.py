"""A clip whose motion is known exactly: textured planes that move and hide one another.

A landscape drifts and turns slowly; three textured discs and a bar cross it, turning and growing. Every pixel knows
its plane, so where it was in the frame before, and whether it was visible there, follows from the planes' motion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SUPERSAMPLE = 2


@dataclass(frozen=True)
class Moment:
    """One frame: `rgb` ``[H, W, 3]`` uint8, `flow` ``[H, W, 2]`` to the frame before, `seen` where it was visible."""

    rgb: np.ndarray
    flow: np.ndarray
    seen: np.ndarray


@dataclass(frozen=True)
class Plane:
    """A texture, its outline in texture coordinates, and its motion: start, velocity, turn and growth per frame."""

    texture: np.ndarray
    outline: str
    start: tuple[float, float]
    velocity: tuple[float, float]
    turn_deg: float
    growth: float
    scale: float

    def to_texture(self, frame: float) -> np.ndarray:
        """Return the 3 x 3 matrix from picture to texture coordinates, both measured from their centers."""
        angle, scale = np.deg2rad(self.turn_deg * frame), self.scale * self.growth**frame
        x, y = (s + v * frame for s, v in zip(self.start, self.velocity, strict=True))
        turn = np.array([[np.cos(angle), -np.sin(angle), x], [np.sin(angle), np.cos(angle), y], [0, 0, 1]])
        return np.linalg.inv(turn @ np.diag([scale, scale, 1.0]))

    def covers(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return where the plane is, for texture coordinates measured from its center."""
        half = min(self.texture.shape[:2]) / 2 - 2
        if self.outline == "disc":
            return u**2 + v**2 < half**2
        if self.outline == "bar":
            return (abs(u) < half) & (abs(v) < half / 3)
        return np.ones(u.shape, bool)


def planes(picture: Path, width: int) -> tuple[Plane, ...]:
    """Return the planes from back to front for a clip of that width."""
    unit = width / 854
    photo = np.asarray(Image.open(picture).convert("RGB"))
    ground = cv2.resize(photo, None, fx=1400 / photo.shape[1], fy=1400 / photo.shape[1], interpolation=cv2.INTER_AREA)
    return (
        Plane(ground, "all", (20.0 * unit, 5.0 * unit), (-1.3 * unit, 0.35 * unit), 0.05, 1.0008, 0.80 * unit),
        Plane(texture(1, 220), "disc", (-320.0 * unit, 60.0 * unit), (5.2 * unit, -0.6 * unit), 0.5, 1.002, unit),
        Plane(texture(2, 300), "bar", (230.0 * unit, -150.0 * unit), (-3.1 * unit, 2.3 * unit), -0.8, 1.0, unit),
        Plane(texture(3, 180), "disc", (120.0 * unit, 240.0 * unit), (0.7 * unit, -4.4 * unit), 1.1, 0.999, unit),
    )


def texture(seed: int, side: int) -> np.ndarray:
    """Return a colored texture with a photograph's spectrum and some edges, ``[side, side, 3]`` uint8."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    noise = rng.normal(size=(3, *frequency.shape)) + 1j * rng.normal(size=(3, *frequency.shape))
    mixed = np.einsum("ij,jhw->ihw", np.array([[1, 0.4, 0.1], [1, 0, -0.2], [1, -0.4, 0.1]]), noise / frequency**1.4)
    waves = np.fft.irfft2(mixed, s=(side, side))
    waves = (waves - waves.mean((1, 2), keepdims=True)) / waves.std((1, 2), keepdims=True)
    edges = 0.1 * np.sign(waves[:1])
    return ((0.5 + 0.15 * waves + edges).clip(0, 1).transpose(1, 2, 0) * 255).astype(np.uint8)


def clip(picture: Path, size: tuple[int, int], frames: int) -> Iterator[Moment]:
    """Yield the frames of the clip at (height, width)."""
    layers = planes(picture, size[1])
    for number in range(frames):
        yield _moment(layers, size, number)


def _moment(layers: tuple[Plane, ...], size: tuple[int, int], number: int) -> Moment:
    x, y = _grid(size)
    top = _top(layers, x, y, number)
    before_x, before_y = x.copy(), y.copy()
    for index, plane in enumerate(layers):
        motion = np.linalg.inv(plane.to_texture(number - 1)) @ plane.to_texture(number)
        u, v = _apply(motion, x, y)
        before_x, before_y = np.where(top == index, u, before_x), np.where(top == index, v, before_y)
    half_h, half_w = (size[0] - 1) / 2, (size[1] - 1) / 2
    inside = (abs(before_x) <= half_w) & (abs(before_y) <= half_h)
    seen = inside & (_top(layers, before_x, before_y, number - 1) == top) & (number > 0)
    flow = np.stack([before_x - x, before_y - y], -1).astype(np.float32)
    return Moment(_picture(layers, size, number), flow, seen)


def _picture(layers: tuple[Plane, ...], size: tuple[int, int], number: int) -> np.ndarray:
    x, y = _grid(size, SUPERSAMPLE)
    top = _top(layers, x, y, number)
    whole = np.zeros((*x.shape, 3), np.uint8)
    for index, plane in enumerate(layers):
        u, v = _apply(plane.to_texture(number), x, y)
        height, width = plane.texture.shape[:2]
        maps = (u + (width - 1) / 2).astype(np.float32), (v + (height - 1) / 2).astype(np.float32)
        seen = cv2.remap(plane.texture, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        np.copyto(whole, seen, where=(top == index)[..., None])
    return cv2.resize(whole, (size[1], size[0]), interpolation=cv2.INTER_AREA)


def _grid(size: tuple[int, int], finer: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return pixel centers measured from the center of the picture."""
    rows = (np.arange(size[0] * finer) + 0.5) / finer - size[0] / 2
    columns = (np.arange(size[1] * finer) + 0.5) / finer - size[1] / 2
    x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return x, y


def _top(layers: tuple[Plane, ...], x: np.ndarray, y: np.ndarray, number: float) -> np.ndarray:
    top = np.zeros(x.shape, np.uint8)
    for index, plane in enumerate(layers):
        top[plane.covers(*_apply(plane.to_texture(number), x, y))] = index
    return top


def _apply(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2], matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
