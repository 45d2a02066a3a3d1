"""What lies at each texel of a texture: its triangle, and any value that the corners of triangles have.

A texture is a picture whose camera sees the unfolded surface: texel ``(row, column)`` looks at
``((column + 0.5) / U, 1 - (row + 0.5) / T)``, so that everything here is the rasterizer at work.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.render.interpolate import interpolate
from reverie.render.mips import fill_indices
from reverie.render.raster import raster


@dataclass(frozen=True, eq=False)
class TexelMap:
    """Which triangle lies at each texel.

    Attributes:
        flat: ``[T, 3]`` uv in texels, as points of a camera that sees them at depth one.
        face_uv: ``[F, 3]`` int64 into `flat`.
        triangle: ``[T, U]`` int32, -1 for none.
    """

    flat: Tensor
    face_uv: Tensor
    triangle: Tensor

    @property
    def covered(self) -> Tensor:
        """``[T, U]`` true where the surface uses the texel."""
        return self.triangle >= 0

    @property
    def size(self) -> tuple[int, int]:
        return self.triangle.shape[0], self.triangle.shape[1]

    def values(self, values: Tensor, corners: Tensor) -> Tensor:
        """Return ``[T, U, K]`` of values ``[A, K]`` that corners ``[F, 3]`` point to; zero where nothing is used."""
        return interpolate(self.flat, self.face_uv, self.triangle, values, corners)


def texel_map(uv: Tensor, face_uv: Tensor, size: tuple[int, int]) -> TexelMap:
    """Return what lies at each texel of a texture of `size` ``(T, U)``."""
    flat = torch.stack([uv[:, 0] * size[1], (1 - uv[:, 1]) * size[0], torch.ones_like(uv[:, 0])], 1).double()
    return TexelMap(flat, face_uv, raster(flat, face_uv, size, 0.5)[0])


def filled(texture: Tensor, covered: Tensor) -> Tensor:
    """Return ``[1, C, T, U]`` with unused texels given the color of the nearest used one, for other programs."""
    border, source = fill_indices(covered)
    flat = texture[0].flatten(1).clone()
    flat[:, border] = flat[:, source]
    return flat.view_as(texture[0])[None]
