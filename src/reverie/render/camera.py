"""Cameras: where one stands, where one looks, and the matrix that makes pixels of it.

A point of the world becomes ``(x w, y w, w)``: pixels times depth, and depth along the axis of the camera. The center
of the upper left pixel is ``(0.5, 0.5)``. Dividing waits until the end, so that nothing breaks behind the camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import InputError

MARGIN = 1.08  # of the distance at which the unit sphere just touches the border of the picture


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; azimuth 0 looks at the mesh from +z, 90 from +x; y is up.

    Attributes:
        azimuth_deg, elevation_deg: direction from the target to the camera.
        distance: from the target, in radii of the mesh.
        target: what is in the middle of the picture.
        fov_deg: angle that the shorter side of the picture sees.
        roll_deg: turn of the picture, counterclockwise.
    """

    azimuth_deg: float = 30.0
    elevation_deg: float = 15.0
    distance: float = 3.2
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fov_deg: float = 40.0
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        if not (self.distance > 0 and 0 < self.fov_deg < 170):
            raise InputError(
                f"a camera needs a distance above 0 and a field of view of 1 to 169 degrees; "
                f"got {self.distance} and {self.fov_deg}"
            )

    @property
    def near(self) -> float:
        """What is nearer than this is cut off."""
        return self.distance / 100

    def eye(self) -> Tensor:
        """Return the place of the camera, ``[3]`` float64."""
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        flat = math.cos(elevation)
        way = (flat * math.sin(azimuth), math.sin(elevation), flat * math.cos(azimuth))
        return torch.tensor(way, dtype=torch.float64) * self.distance + torch.tensor(self.target, dtype=torch.float64)

    def matrix(self, size: tuple[int, int]) -> Tensor:
        """Return ``[3, 4]`` float64 for a picture of ``(H, W)``; see `project`."""
        angles = torch.tensor([self.azimuth_deg, self.elevation_deg, self.roll_deg], dtype=torch.float64)
        shift = torch.tensor([*self.target, self.distance], dtype=torch.float64)
        return camera_matrix(angles, shift, size, self.fov_deg)


def camera_matrix(angles_deg: Tensor, place: Tensor, size: tuple[int, int], fov_deg: float) -> Tensor:
    """Return the ``[3, 4]`` matrix of a camera, differentiable in where it stands.

    Args:
        angles_deg: ``[3]`` azimuth, elevation, roll.
        place: ``[4]`` target and distance.
        size: ``(H, W)`` of the picture.
        fov_deg: field of view of the shorter side.
    """
    azimuth, elevation, roll = torch.deg2rad(angles_deg)
    zero, one = torch.zeros_like(azimuth), torch.ones_like(azimuth)
    back = torch.stack([elevation.cos() * azimuth.sin(), elevation.sin(), elevation.cos() * azimuth.cos()])
    right = torch.stack([azimuth.cos(), zero, -azimuth.sin()])
    up = torch.linalg.cross(back, right)
    turned = (roll.cos() * right + roll.sin() * up, roll.cos() * up - roll.sin() * right)
    axes = torch.stack([turned[0], -turned[1], -back])  # rows of pictures run down, depth runs away
    focal = min(size) / 2 / math.tan(math.radians(fov_deg) / 2)
    lens = torch.stack(
        [
            torch.stack([focal * one, zero, one * size[1] / 2]),
            torch.stack([zero, focal * one, one * size[0] / 2]),
            torch.stack([zero, zero, one]),
        ]
    )
    turn = lens @ axes
    eye = place[:3] + place[3] * back
    return torch.cat([turn, -(turn @ eye)[:, None]], 1)


def project(vertices: Tensor, matrix: Tensor) -> Tensor:
    """Return ``[V, 3]`` points ``(x w, y w, w)`` of ``[V, 3]`` vertices, differentiable."""
    matrix = matrix.to(vertices)
    return vertices @ matrix[:, :3].T + matrix[:, 3]


def fitting_distance(fov_deg: float) -> float:
    """Return the distance from which the unit sphere fills the shorter side of the picture, with a small margin."""
    return MARGIN / math.sin(math.radians(fov_deg) / 2)


def turntable(count: int, elevation_deg: float = 15.0, fov_deg: float = 40.0, start_deg: float = 0.0) -> list[Camera]:
    """Return cameras all around the mesh, at even steps, that see all of it."""
    distance = fitting_distance(fov_deg)
    return [Camera(start_deg + 360 * i / count, elevation_deg, distance, fov_deg=fov_deg) for i in range(count)]


@dataclass(frozen=True)
class Around:
    """Cameras at random around the mesh, spread evenly over the band of a sphere.

    Attributes:
        elevation_deg: lowest and highest.
        azimuth_deg: first and last.
        fov_deg: field of view.
        jitter: greatest relative change of the distance.
        roll_deg: greatest roll.
        close: fraction of close-ups, which see a part of the mesh from nearer by.
    """

    elevation_deg: tuple[float, float] = (-20.0, 50.0)
    azimuth_deg: tuple[float, float] = (0.0, 360.0)
    fov_deg: float = 40.0
    jitter: float = 0.05
    roll_deg: float = 0.0
    close: float = 0.0

    def draw(self, count: int, generator: torch.Generator) -> list[Camera]:
        """Return `count` cameras; any stretch of them covers the band evenly.

        Directions follow the two-dimensional sequence of the plastic number from a random start.
        Source: Roberts 2018, "The unreasonable effectiveness of quasirandom sequences".
        """
        plastic = 1.32471795724474602596
        start = torch.rand(2, generator=generator, dtype=torch.float64)
        step = torch.tensor([1 / plastic, 1 / plastic**2], dtype=torch.float64)
        places = (start + torch.arange(count, dtype=torch.float64)[:, None] * step) % 1
        draws = torch.rand(count, 6, generator=generator, dtype=torch.float64)
        return [self._camera(places[i].tolist(), draws[i].tolist()) for i in range(count)]

    def _camera(self, place: list[float], draw: list[float]) -> Camera:
        low, high = (math.sin(math.radians(e)) for e in self.elevation_deg)
        elevation = math.degrees(math.asin(low + (high - low) * place[1]))
        azimuth = self.azimuth_deg[0] + (self.azimuth_deg[1] - self.azimuth_deg[0]) * place[0]
        distance = fitting_distance(self.fov_deg) * (1 + self.jitter * (2 * draw[0] - 1))
        roll = self.roll_deg * (2 * draw[1] - 1)
        if draw[2] >= self.close:
            return Camera(azimuth, elevation, distance, fov_deg=self.fov_deg, roll_deg=roll)
        target = (0.6 * (2 * draw[3] - 1), 0.6 * (2 * draw[4] - 1), 0.6 * (2 * draw[5] - 1))
        return Camera(azimuth, elevation, 0.6 * distance, target, self.fov_deg, roll)
