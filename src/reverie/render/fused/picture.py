"""Pictures of a textured, lit, moving mesh from several cameras, as one step of autograd.

What a view needs is worked out in loops that let go of Python's lock, so views are made side by side where threads are
free. Gradients are added up per view and then in order of the views: their number of threads changes no bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.numerics.side_by_side import side_by_side
from reverie.render.camera import Camera
from reverie.render.fused.chunks import Buffers, buffers
from reverie.render.fused.geometry import normals, normals_back, project, project_back, sides_seen
from reverie.render.fused.lanes import LANES
from reverie.render.fused.outlines import blend, blend_back, find
from reverie.render.fused.pyramid import Pyramid
from reverie.render.fused.samples import table_of
from reverie.render.fused.scan import scan
from reverie.render.fused.shade import shade, shade_back, sort_pixels
from reverie.render.light import Light
from reverie.render.mips import MipPlan
from reverie.render.surface import Surface

Arrays = tuple[
    np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray,
    np.ndarray, np.ndarray, Buffers,
]  # fmt: skip
SUMS = 4  # of texels' gradients at once, whatever the threads


class Spare:
    """Arrays for the time of one call: fresh memory costs more than to fill it."""

    def __init__(self) -> None:
        self._free: dict[tuple[tuple[int, ...], type], list[np.ndarray]] = {}

    @contextmanager
    def array(self, shape: tuple[int, ...], dtype: type) -> Iterator[np.ndarray]:
        """Lend an array; what is in it is anything."""
        free = self._free.setdefault((shape, dtype), [])
        try:
            own = free.pop()
        except IndexError:
            own = np.empty(shape, dtype)
        yield own
        free.append(own)


@dataclass(frozen=True, eq=False)
class Scene:
    """What does not change from one view to the next: arrays of a `Surface`, and the levels of its texture."""

    faces: np.ndarray
    uv: np.ndarray
    face_uv: np.ndarray
    ends: np.ndarray
    opposite: np.ndarray
    pyramid: Pyramid
    sizes: np.ndarray
    spare: Spare

    @staticmethod
    def of(surface: Surface, plan: MipPlan) -> Scene:
        """Return the arrays of a surface and of its texture's levels."""
        tables = (surface.faces, surface.face_uv, surface.edges.ends, surface.edges.opposite)
        faces, face_uv, ends, opposite = (np.ascontiguousarray(one.numpy(), np.int32) for one in tables)
        uv, pyramid = surface.uv.double().contiguous().numpy(), Pyramid.of(plan.covered, plan.parts)
        return Scene(faces, uv, face_uv, ends, opposite, pyramid, table_of(plan.sizes), Spare())


@dataclass(frozen=True, eq=False)
class Seen:
    """One camera, its light as `reverie.render.fused.lights` has it, or None, and what stands behind the mesh.

    `ground` is ``[1, 1, 3]`` or ``[H, W, 3]``; `eye` ``[3]`` is None where each pixel's normal is asked for its side.
    """

    near: float
    matrix: np.ndarray
    light: np.ndarray | None
    ground: np.ndarray
    eye: np.ndarray | None


def pictures(
    texture: Tensor, vertices: Tensor, scene: Scene, cameras: Sequence[Camera], lights: Sequence[Light],
    grounds: Sequence[Tensor], size: tuple[int, int], turns: bool = True,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return images ``[B, H, W, 3]`` and masks ``[B, H, W, 1]``, differentiable in texture and vertices.

    Args:
        texture: ``[1, 3, T, U]`` float32.
        vertices: ``[V, 3]`` float32.
        scene: the rest of the mesh.
        cameras: one per picture.
        lights: likewise.
        grounds: likewise, ``[3]`` or ``[3, H, W]``.
        size: ``(H, W)``.
        turns: as in `reverie.canvas.mesh.MeshCanvas`.
    """
    seen = [
        Seen(
            camera.near, _matrix(camera, size), _as_array(light, camera), _ground(ground, size),
            camera.eye().numpy() if turns else None,
        )
        for camera, light, ground in zip(cameras, lights, grounds, strict=True)
    ]  # fmt: skip
    result: tuple[Tensor, Tensor] = _Pictures.apply(texture, vertices, scene, seen, size)
    return result


@lru_cache(1024)
def _matrix(camera: Camera, size: tuple[int, int]) -> np.ndarray:
    return camera.matrix(size).numpy()


@lru_cache(1024)
def _way_to(camera: Camera) -> tuple[float, ...]:
    back = camera.eye() - torch.tensor(camera.target, dtype=torch.float64)
    return tuple((back / back.norm()).tolist())


def _as_array(light: Light, camera: Camera) -> np.ndarray | None:
    """Return the numbers of a light; None if it changes no color."""
    if light.is_flat and light.even == 1:
        return None
    sky = light.sky or (0.0,) * 9
    return np.array([light.even, light.head, *_way_to(camera), light.lamp, *light.toward, *sky], np.float64)


def _ground(ground: Tensor, size: tuple[int, int]) -> np.ndarray:
    shape = (1, 1) if ground.numel() == 3 else size
    return np.ascontiguousarray(ground.detach().reshape(3, *shape).permute(1, 2, 0).numpy())


class _View:
    """One picture: what its way forward leaves for the way back."""

    def __init__(self, scene: Scene, seen: Seen, texels: np.ndarray, vertices: np.ndarray) -> None:
        self.scene, self.seen, self.texels, self.vertices = scene, seen, texels, vertices

    def forward(self, image: np.ndarray, mask: np.ndarray) -> None:
        """Fill `image` ``[H, W, 3]`` and `mask` ``[H, W]``."""
        scene, seen, count = self.scene, self.seen, len(self.vertices)
        self.points = np.empty((count, 3))
        project(self.vertices, seen.matrix, self.points)
        self.light = np.zeros(18) if seen.light is None else seen.light
        lit = count if seen.light is not None else 0
        self.normals, self.length = np.empty((lit, 3)), np.empty(lit)
        self.sides = np.zeros(len(scene.faces))
        if lit:
            normals(self.vertices, scene.faces, self.normals, self.length)
        if lit and seen.eye is not None:
            sides_seen(self.vertices, scene.faces, self.normals, seen.eye, self.sides)
        with scene.spare.array(mask.shape, np.int32) as triangle, scene.spare.array(mask.shape, np.float32) as inverse:
            triangle.fill(-1)
            inverse.fill(0)
            scan(self.points, scene.faces, seen.near, triangle, inverse)
            self.first, self.places = sort_pixels(triangle, len(scene.faces), seen.ground, image, mask)
            shade(*self._arrays(), image)
            self.where, self.amount = find(self.points, scene.ends, scene.opposite, triangle, inverse, seen.near)
        self.difference = np.empty((len(self.where), 4))
        blend(self.where, self.amount, image.reshape(-1, 3), mask.reshape(-1), self.difference)

    def backward(self, slope: np.ndarray, to_mask: np.ndarray, to_texels: np.ndarray, to_vertices: np.ndarray) -> None:
        """Add gradients, from those of image and mask."""
        scene = self.scene
        to_points, to_normals = np.zeros_like(self.points), np.zeros_like(self.normals)
        with scene.spare.array(slope.shape, np.float32) as to_image:
            np.copyto(to_image, slope)
            blend_back(
                self.points, scene.ends, self.seen.near, self.where, self.amount, self.difference,
                slope.reshape(-1, 3), to_mask.reshape(-1), to_image.reshape(-1, 3), to_points,
            )  # fmt: skip
            shade_back(*self._arrays(), to_image, to_texels, to_normals, to_points)
        project_back(to_points, self.seen.matrix, to_vertices)
        if len(self.normals):
            normals_back(self.vertices, scene.faces, self.normals, self.length, to_normals, to_vertices)

    def _arrays(self) -> Arrays:
        scene = self.scene
        return (
            self.points, scene.faces, self.first, self.places, scene.uv, scene.face_uv, self.normals, self.sides,
            self.light, self.texels, scene.sizes, buffers(),
        )  # fmt: skip


class _Pictures(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, texture: Tensor, vertices: Tensor, scene: Scene, seen: Sequence[Seen], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        texels = scene.pyramid.texels(texture.detach()[0].contiguous().numpy())
        corners = vertices.detach().contiguous().numpy()
        ctx.views, ctx.scene = [_View(scene, one, texels, corners) for one in seen], scene
        image, masks = torch.empty(len(seen), *size, 3), torch.empty(len(seen), *size, 1)
        images, filled = image.numpy(), masks.numpy()[..., 0]
        side_by_side(lambda i: ctx.views[i].forward(images[i], filled[i]), len(seen))
        return image, masks

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor, Tensor, None, None, None]:
        views, given = ctx.views, next(slope for slope in slopes if slope is not None)
        to_images, to_masks = (
            np.zeros((*given.shape[:3], n), np.float32) if slope is None else slope.contiguous().numpy()
            for slope, n in zip(slopes, (3, 1), strict=True)
        )
        to_vertices = np.zeros((len(views), *views[0].vertices.shape))

        def work(own: int) -> None:
            to_texels[own].fill(0)
            for i in range(own, len(views), len(to_texels)):
                views[i].backward(to_images[i], to_masks[i], to_texels[own], to_vertices[i])

        with ctx.scene.spare.array((min(SUMS, len(views)), len(views[0].texels), LANES), np.float32) as to_texels:
            side_by_side(work, len(to_texels))
            for other in to_texels[1:]:
                to_texels[0] += other
            to_texture = ctx.scene.pyramid.back(to_texels[0], 3)
        return torch.from_numpy(to_texture)[None], torch.from_numpy(to_vertices.sum(0)).float(), None, None, None
