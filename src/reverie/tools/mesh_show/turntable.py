"""A mesh from all sides: cameras, frames, a film and a sheet of stills. Other tools of meshes use them as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reverie.numerics.mesh import Mesh
from reverie.render.camera import Camera, turntable
from reverie.render.show import Shown

BACKGROUNDS = {"light": (0.93, 0.93, 0.93), "dark": (0.106, 0.106, 0.114)}  # those of the page


def with_light(mesh: Mesh, light: str) -> Mesh:
    """Return the mesh with materials that are all lit ("on"), all unlit ("off"), or as they are ("auto")."""
    if light == "auto":
        return mesh
    return replace(mesh, materials=tuple(replace(one, unlit=light == "off") for one in mesh.materials))


class Views:
    """Meshes side by side from the same camera.

    Args:
        meshes: from left to right.
        size: side of each picture; even, as videos need.
        background: a name of `BACKGROUNDS`.
        supersample: pictures are made this much larger and then averaged, which smooths edges inside the outline.
    """

    def __init__(
        self, meshes: Sequence[Mesh], size: int = 512, background: str = "light", supersample: int = 1
    ) -> None:
        self.shown = [Shown(mesh) for mesh in meshes]
        self.size, self.supersample = size + size % 2, supersample
        self.background = BACKGROUNDS[background]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a picture of all."""
        return self.size, self.size * len(self.shown)

    def picture(self, camera: Camera) -> np.ndarray:
        """Return ``[size, size * meshes, 3]`` uint8."""
        return np.concatenate([self._one(shown, camera, self.supersample) for shown in self.shown], 1)

    def stills(self, count: int, elevation_deg: float = 15.0, start_deg: float = 30.0) -> np.ndarray:
        """Return one picture of `count` views at even steps, four in a row, two where meshes are compared."""
        factor = max(2, self.supersample)
        pictures = [
            np.concatenate([self._one(shown, camera, factor) for shown in self.shown], 1)
            for camera in turntable(count, elevation_deg, start_deg=start_deg)
        ]
        wide = min(4 if len(self.shown) == 1 else 2, count)
        pictures += [np.full_like(pictures[0], 255)] * (-count % wide)
        rows = [np.concatenate(pictures[i : i + wide], 1) for i in range(0, len(pictures), wide)]
        return np.concatenate(rows, 0)

    def _one(self, shown: Shown, camera: Camera, factor: int) -> np.ndarray:
        large = shown.picture(camera, (self.size * factor, self.size * factor), self.background)
        if factor == 1:
            return large
        return np.round(large.reshape(self.size, factor, self.size, factor, 3).mean((1, 3))).astype(np.uint8)
