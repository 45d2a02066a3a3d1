"""A mesh as one sees it: texture, shape, light and background, with gradients to the first two.

Inside are another canvas, which gives the flat texture, and the vertices, fixed or moving. While they are fixed, what a
camera sees is worked out once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.vertices import Smoothing
from reverie.numerics.machine_code import has_numba
from reverie.render.camera import Camera, project
from reverie.render.footprint import footprint
from reverie.render.interpolate import interpolate
from reverie.render.light import UNLIT, Light, sides_seen, vertex_normals
from reverie.render.mips import MipPlan
from reverie.render.outline import Crossings, find_crossings
from reverie.render.raster import raster
from reverie.render.sample import level_of, sample
from reverie.render.surface import Surface

KEPT = 256  # sights: about 1.5 MB each at 256 px
Background = tuple[float, float, float]
GREY: Background = (0.5, 0.5, 0.5)


class Shape(nn.Module):
    """Vertices that move smoothly; see `reverie.canvas.vertices`.

    Args:
        vertices: ``[V, 3]`` to begin with.
        ends: ``[E, 2]`` of the edges.
        smoothness: lambda.
        mirror: ``[V]`` the mirror image of each vertex, and the axis, for shapes that stay symmetric.
        reach: how far a vertex can get from where it began; without it, anywhere.
        held: ``[V]`` from 0, free, to 1 for vertices that stay where they began.
    """

    def __init__(
        self, vertices: Tensor, ends: Tensor, smoothness: float, mirror: tuple[Tensor, int] | None = None,
        reach: float | None = None, held: Tensor | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.reach, self.held = reach, held
        self._ends, self.smoothness, self._mirror = ends, smoothness, mirror
        self.start = vertices.detach().float()
        self.operator = Smoothing(ends, len(vertices), smoothness)
        self.moved = nn.Parameter(self.operator.apply(self.start))

    def forward(self) -> Tensor:
        """Return ``[V, 3]``, differentiable."""
        vertices = self.operator.solve(self.moved)
        if self.reach is not None:
            way, own = vertices - self.start, self.start - self.start.mean(0)
            way = way - way.mean(0)  # the whole stays where it is, and as large as it is
            way = way - (way * own).sum() / own.square().sum() * own
            bent = self.reach / (self.reach**2 + way.square().sum(1, keepdim=True)).sqrt()
            vertices = self.start + bent * way
        if self._mirror is not None:
            pairs, axis = self._mirror
            sign = torch.ones(3)
            sign[axis] = -1
            vertices = (vertices + vertices[pairs] * sign.to(vertices)) / 2
        if self.held is not None:
            vertices = torch.lerp(vertices, self.start, self.held[:, None])
        return vertices

    def unbent(self) -> Tensor:
        """Return ``[V, 3]`` before reach, mirror and what is held, without gradient."""
        with torch.no_grad():
            return self.operator.solve(self.moved)

    def put(self, places: Tensor) -> None:
        """Move to such places."""
        with torch.no_grad():
            self.moved.copy_(self.operator.apply(places))

    def restaged(self, smoothness: float) -> Shape:
        """Return the same shape with another lambda: large first, small for details."""
        with torch.no_grad():
            plain = self.reach is None and self.held is None
            places = self() if plain else self.operator.solve(self.moved)
        other = Shape(places, self._ends, smoothness, self._mirror, self.reach, self.held)
        other.start = self.start
        return other


@dataclass(frozen=True, eq=False)
class Sight:
    """What one camera sees.

    Attributes:
        seen: ``[N, 2]`` pixels on the mesh.
        uv: ``[N, 2]``.
        level: ``[N]`` of the texture.
        normals: ``[N, 3]``, unit, of the side that is seen or of any, as `see` was told.
        crossings: of outlines.
    """

    seen: Tensor
    uv: Tensor
    level: Tensor
    normals: Tensor
    crossings: Crossings


@dataclass(frozen=True, eq=False)
class Views:
    """Pictures of a mesh: `images` ``[B, 3, H, W]`` on their backgrounds, and `masks` ``[B, 1, H, W]`` of the mesh."""

    images: Tensor
    masks: Tensor


class MeshCanvas(nn.Module):
    """Pictures of a mesh from any cameras.

    Args:
        texture: a canvas of one flat texture, ``[1, 3, T, U]``.
        surface: what the texture lies on.
        mips: of that texture's layout.
        size: ``(H, W)`` of the pictures.
        cameras: seen when `forward` is not told which.
        shape: moving vertices in place of the surface's own.
        fuses: draw moving vertices by the loops of `reverie.render.fused`, where they can be compiled. They are
            several times as fast as torch operations; numbers differ in the last digits.
        turns: light falls on the side of each triangle that is seen; without it, each pixel asks its own normal, as in
            results of before; see `reverie.render.light.Light.brightness`.
    """

    def __init__(
        self, texture: nn.Module, surface: Surface, mips: MipPlan, size: tuple[int, int],
        cameras: Sequence[Camera] = (), shape: Shape | None = None, fuses: bool = True, turns: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.fuses, self.turns = fuses, turns
        self.texture, self.surface, self.mips, self.shape = texture, surface, mips, shape
        self.cameras, self.size = tuple(cameras), size
        self._sights: dict[tuple[Camera, tuple[int, int]], Sight] = {}
        self._scene: Any = None  # of `reverie.render.fused`, made when it is first needed

    @property
    def vertices(self) -> Tensor:
        """``[V, 3]`` float32, differentiable if they move."""
        return self.surface.vertices.float() if self.shape is None else self.shape()

    def with_texture(self, texture: Tensor) -> MeshCanvas:
        """Return the same mesh, in the shape of its file, with a fixed texture ``[1, C, T, U]``, of colors or not.

        What cameras see of it is worked out only once for both.
        """
        plain = PixelCanvas(texture).requires_grad_(False)
        other = MeshCanvas(plain, self.surface, self.mips, self.size, self.cameras, turns=self.turns)
        if self.shape is None:
            other._sights = self._sights
        return other

    def forward(self, view: Sequence[Camera] | None = None) -> Tensor:
        cameras = self.cameras if view is None else view
        return self.views(cameras).images

    def views(
        self, cameras: Sequence[Camera], lights: Sequence[Light] | None = None,
        backgrounds: Sequence[Tensor | Background] | None = None,
    ) -> Views:  # fmt: skip
        """Return pictures from `cameras`.

        Args:
            cameras: one per picture.
            lights: one per picture; even light if absent.
            backgrounds: one per picture, a color or ``[3, H, W]``, sRGB in [0, 1]; grey if absent.
        """
        texture, vertices = self.texture(), self.vertices
        shone = [UNLIT] * len(cameras) if lights is None else lights
        behind = [GREY] * len(cameras) if backgrounds is None else backgrounds
        grounds = [torch.as_tensor(one, device=texture.device).to(texture) for one in behind]
        if self.fuses and self.shape is not None and _can_fuse(texture):
            return self._fused(texture, vertices, cameras, shone, grounds)
        texels = self.mips.texels(texture)
        rows = [
            self._picture(texels, vertices, camera, light, ground)
            for camera, light, ground in zip(cameras, shone, grounds, strict=True)
        ]
        stacked = torch.stack(rows).permute(0, 3, 1, 2)
        return Views(stacked[:, :-1], stacked[:, -1:])

    def _fused(
        self, texture: Tensor, vertices: Tensor, cameras: Sequence[Camera], lights: Sequence[Light],
        grounds: Sequence[Tensor],
    ) -> Views:  # fmt: skip
        from reverie.render.fused.picture import Scene, pictures  # needs numba

        if self._scene is None:
            self._scene = Scene.of(self.surface, self.mips)
        images, masks = pictures(texture, vertices, self._scene, cameras, lights, grounds, self.size, self.turns)
        return Views(images.permute(0, 3, 1, 2), masks.permute(0, 3, 1, 2))

    def _picture(self, texels: Tensor, vertices: Tensor, camera: Camera, light: Light, ground: Tensor) -> Tensor:
        sight = self._sight(vertices, camera)
        colors = sample(texels, self.mips.sizes, sight.uv, sight.level)
        if not light.is_flat or light.even != 1:
            colors = (colors * light.brightness(sight.normals, camera, self.turns)).clamp_max(1)
        channels = colors.shape[1]
        below = ground.view(channels, -1).T.expand(self.size[0] * self.size[1], channels).reshape(*self.size, channels)
        flat = torch.cat([below, below.new_zeros(*self.size, 1)], 2)
        opaque = torch.cat([colors, torch.ones_like(colors[:, :1])], 1)
        return sight.crossings.smooth(flat.index_put((sight.seen[:, 0], sight.seen[:, 1]), opaque))

    def _sight(self, vertices: Tensor, camera: Camera) -> Sight:
        if self.shape is not None:
            return see(self.surface, vertices, camera, self.size, self.mips.sizes, self.turns)
        key = (camera, self.size)
        if key not in self._sights:
            with torch.no_grad():
                found = see(self.surface, self.surface.vertices, camera, self.size, self.mips.sizes, self.turns)
            if len(self._sights) >= KEPT:
                self._sights.pop(next(iter(self._sights)))
            self._sights[key] = found
        return self._sights[key]


def _can_fuse(texture: Tensor) -> bool:
    return texture.device.type == "cpu" and texture.shape[1] == 3 and texture.dtype == torch.float32 and has_numba()


def see(
    surface: Surface, vertices: Tensor, camera: Camera, size: tuple[int, int], levels: Sequence[tuple[int, int]],
    turns: bool = True,
) -> Sight:  # fmt: skip
    """Return what a camera sees of a surface, differentiable in `vertices`; `turns` as in `MeshCanvas`."""
    points = project(vertices, camera.matrix(size))
    triangle, inverse = raster(points, surface.faces, size, camera.near)
    seen = (triangle >= 0).nonzero()
    at = (seen[:, 0], seen[:, 1])
    uv = interpolate(points, surface.faces, triangle, surface.uv, surface.face_uv)[at].float()
    level = level_of(footprint(points, surface.faces, triangle, surface.uv, surface.face_uv), levels[0], len(levels))
    around = vertex_normals(vertices, surface.faces)
    normals = interpolate(points, surface.faces, triangle, around, surface.faces)[at].float()
    normals = normals / torch.linalg.vector_norm(normals, dim=1, keepdim=True).clamp_min(1e-12)
    if turns:
        sides = sides_seen(vertices, surface.faces, around, camera.eye())
        normals = normals * sides[triangle[at].long()].to(normals)[:, None]
    crossings = find_crossings(points, surface.edges, triangle, inverse, camera.near)
    return Sight(seen, uv, level, normals, crossings)
