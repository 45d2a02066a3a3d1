"""A texture on a mesh, seen from any cameras.

Inside is another canvas, which gives the flat texture; outside are its pictures on the mesh. Which triangle a pixel
sees does not depend on the texture, so a camera is worked out once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reverie.render.camera import Camera, project
from reverie.render.footprint import footprint
from reverie.render.interpolate import interpolate
from reverie.render.mips import MipPlan
from reverie.render.outline import Crossings, find_crossings
from reverie.render.raster import raster
from reverie.render.sample import level_of, sample
from reverie.render.surface import Surface

KEPT = 128  # cameras: about 0.7 MB each at 256 px


@dataclass(frozen=True, eq=False)
class Sight:
    """What one camera sees, whatever the texture: pixels on the mesh, their uv and level, and the outlines."""

    seen: Tensor
    uv: Tensor
    level: Tensor
    crossings: Crossings


class TextureCanvas(nn.Module):
    """Pictures ``[B, 3, H, W]`` of a mesh whose texture another canvas gives.

    Args:
        inner: a canvas of one flat texture, ``[1, 3, T, U]``.
        surface: what the texture lies on.
        mips: of that texture's layout, from `reverie.render.mips.plan_mips`.
        cameras: seen when `forward` is not told which.
        size: ``(H, W)`` of the pictures.
        background: sRGB in [0, 1].
    """

    def __init__(
        self, inner: nn.Module, surface: Surface, mips: MipPlan, cameras: Sequence[Camera], size: tuple[int, int],
        background: tuple[float, float, float] = (0.5, 0.5, 0.5),
    ) -> None:  # fmt: skip
        super().__init__()
        self.inner, self.surface, self.mips = inner, surface, mips
        self.cameras, self.size, self.background = tuple(cameras), size, background
        self._sights: dict[Camera, Sight] = {}

    def forward(self, view: Sequence[Camera] | None = None) -> Tensor:
        texels = self.mips.texels(self.inner())
        images = [self._picture(texels, camera) for camera in (self.cameras if view is None else view)]
        return torch.stack(images).permute(0, 3, 1, 2)

    def _picture(self, texels: Tensor, camera: Camera) -> Tensor:
        sight = self._sights.get(camera)
        if sight is None:
            sight = see(self.surface, camera, self.size, self.mips.sizes)
            if len(self._sights) < KEPT:
                self._sights[camera] = sight
        ground = torch.tensor(self.background, device=texels.device).expand(*self.size, 3)
        colors = sample(texels, self.mips.sizes, sight.uv, sight.level)
        return sight.crossings.smooth(ground.index_put((sight.seen[:, 0], sight.seen[:, 1]), colors))


@torch.no_grad()
def see(surface: Surface, camera: Camera, size: tuple[int, int], levels: Sequence[tuple[int, int]]) -> Sight:
    """Return what a camera sees of a surface in pictures of `size`, for a texture of these levels."""
    points = project(surface.vertices, camera.matrix(size))
    triangle, inverse = raster(points, surface.faces, size, camera.near)
    seen = (triangle >= 0).nonzero()
    uv = interpolate(points, surface.faces, triangle, surface.uv, surface.face_uv)[seen[:, 0], seen[:, 1]]
    wide = footprint(points, surface.faces, triangle, surface.uv, surface.face_uv)
    level = level_of(wide, levels[0], len(levels))
    crossings = find_crossings(points, surface.edges, triangle, inverse, camera.near)
    return Sight(seen, uv.float(), level, crossings)


def covered_texels(uv: Tensor, face_uv: Tensor, size: tuple[int, int]) -> Tensor:
    """Return ``[T, U]`` true where the center of a texel lies on a triangle of the layout."""
    height, width = size
    flat = torch.stack([uv[:, 0] * width, (1 - uv[:, 1]) * height, torch.ones_like(uv[:, 0])], 1)
    return raster(flat, face_uv, size, 0.5)[0] >= 0
