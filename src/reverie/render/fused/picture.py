"""Pictures of a textured, lit, moving mesh from several cameras, as one step of autograd.

What a view needs is worked out in loops that let go of Python's lock, so views are made side by side where threads are
free. Gradients are added up per view and then in order of the views: their number of threads changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.render.camera import Camera
from reverie.render.fused.geometry import lines_back, normals, normals_back, project, project_back
from reverie.render.fused.outlines import blend, blend_back, find
from reverie.render.fused.scan import scan
from reverie.render.fused.shade import shade, shade_back
from reverie.render.light import Light
from reverie.render.surface import Surface

Nine = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
SUMS = 4  # of texels' gradients at once, whatever the threads


@dataclass(frozen=True, eq=False)
class Scene:
    """What does not change from one view to the next: arrays of a `Surface`, and sizes of the texture's levels."""

    faces: np.ndarray
    uv: np.ndarray
    face_uv: np.ndarray
    ends: np.ndarray
    opposite: np.ndarray
    sizes: np.ndarray

    @staticmethod
    def of(surface: Surface, levels: Sequence[tuple[int, int]]) -> Scene:
        """Return the arrays of a surface whose texture has these levels."""
        first = np.cumsum([0, *(height * width for height, width in levels)])[:-1]
        sizes = np.array([(*size, start) for size, start in zip(levels, first, strict=True)], np.int64)
        tables = (surface.faces, surface.face_uv, surface.edges.ends, surface.edges.opposite)
        faces, face_uv, ends, opposite = (np.ascontiguousarray(one.numpy(), np.int32) for one in tables)
        return Scene(faces, surface.uv.double().contiguous().numpy(), face_uv, ends, opposite, sizes)


@dataclass(frozen=True, eq=False)
class Seen:
    """One camera, its light as `reverie.render.fused.lights` has it, or None, and what stands behind the mesh."""

    camera: Camera
    matrix: np.ndarray
    light: np.ndarray | None


def pictures(
    texels: Tensor, vertices: Tensor, scene: Scene, cameras: Sequence[Camera], lights: Sequence[Light],
    grounds: Sequence[Tensor], size: tuple[int, int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return images ``[B, H, W, 3]`` and masks ``[B, H, W, 1]``, differentiable in texels and vertices.

    Args:
        texels: ``[M, 3]`` float32, all levels one behind the other.
        vertices: ``[V, 3]`` float32.
        scene: the rest of the mesh.
        cameras: one per picture.
        lights: likewise.
        grounds: likewise, ``[3]`` or ``[3, H, W]``.
        size: ``(H, W)``.
    """
    seen = [Seen(c, c.matrix(size).numpy(), _as_array(light, c)) for c, light in zip(cameras, lights, strict=True)]
    behind = [ground.detach().view(3, -1).T.reshape(-1, 1, 3).expand(-1, 1, 3) for ground in grounds]
    image = torch.empty(len(seen), *size, 3)
    for own, ground in zip(image, behind, strict=True):
        own.copy_(ground.view(*size, 3) if len(ground) > 1 else ground)
    result: tuple[Tensor, Tensor] = _Pictures.apply(texels, vertices, scene, seen, image)
    return result


def _as_array(light: Light, camera: Camera) -> np.ndarray | None:
    """Return the numbers of a light; None if it changes no color."""
    if light.is_flat and light.even == 1:
        return None
    back = camera.eye() - torch.tensor(camera.target, dtype=torch.float64)
    sky = light.sky or (0.0,) * 9
    return np.array(
        [light.even, light.head, *(back / back.norm()).tolist(), light.lamp, *light.toward, *sky], np.float64
    )


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, torch.get_num_threads()), "render")


def _side_by_side(work: Callable[[int], Any], count: int) -> list[Any]:
    if count < 2 or torch.get_num_threads() < 2:
        return [work(i) for i in range(count)]
    return list(_pool().map(work, range(count)))


class _View:
    """One picture: what its way forward leaves for the way back."""

    def __init__(self, scene: Scene, seen: Seen, texels: np.ndarray, vertices: np.ndarray) -> None:
        self.scene, self.seen, self.texels, self.vertices = scene, seen, texels, vertices

    def forward(self, image: np.ndarray, mask: np.ndarray) -> None:
        """Draw over `image` ``[H, W, 3]``, which begins as the background, and fill `mask` ``[H, W]``."""
        scene, count = self.scene, len(self.vertices)
        self.points = np.empty((count, 3))
        project(self.vertices, self.seen.matrix, self.points)
        self.triangle, inverse = np.full(mask.shape, -1, np.int32), np.zeros(mask.shape, np.float32)
        scan(self.points, scene.faces, self.seen.camera.near, self.triangle, inverse)
        lit = self.seen.light is not None
        self.normals, self.length = np.empty((count if lit else 0, 3)), np.empty(count if lit else 0)
        self.light = np.zeros(18) if self.seen.light is None else self.seen.light
        if lit:
            normals(self.vertices, scene.faces, self.normals, self.length)
        self.level = np.empty(mask.shape, np.float32)
        self.unlit = np.empty_like(image)
        shade(*self._arrays(), image, self.level, self.unlit)
        np.greater_equal(self.triangle, 0, out=mask)
        edges = (self.points, scene.ends, scene.opposite)
        self.where, self.amount = find(*edges, self.triangle, inverse, self.seen.camera.near)
        self.difference = np.empty((len(self.where), 4))
        blend(self.where, self.amount, image.reshape(-1, 3), mask.reshape(-1), self.difference)

    def backward(self, slope: np.ndarray, to_mask: np.ndarray, to_texels: np.ndarray, to_vertices: np.ndarray) -> None:
        """Add gradients, from those of image and mask."""
        scene = self.scene
        to_points, to_lines = np.zeros_like(self.points), np.zeros((len(scene.faces), 9))
        to_image, to_normals = slope.copy(), np.zeros_like(self.normals)
        blend_back(
            self.points, scene.ends, self.seen.camera.near, self.where, self.amount, self.difference,
            slope.reshape(-1, 3), to_mask.reshape(-1), to_image.reshape(-1, 3), to_points,
        )  # fmt: skip
        shade_back(*self._arrays(), self.level, self.unlit, to_image, to_texels, to_normals, to_lines)
        lines_back(to_lines, self.points, scene.faces, to_points)
        project_back(to_points, self.seen.matrix, to_vertices)
        if len(self.normals):
            normals_back(self.vertices, scene.faces, self.normals, self.length, to_normals, to_vertices)

    def _arrays(self) -> Nine:
        scene = self.scene
        return (
            self.points, scene.faces, self.triangle, scene.uv, scene.face_uv, self.normals, self.light, self.texels,
            scene.sizes,
        )  # fmt: skip


class _Pictures(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, texels: Tensor, vertices: Tensor, scene: Scene, seen: Sequence[Seen], image: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        flat, corners = texels.detach().contiguous().numpy(), vertices.detach().contiguous().numpy()
        ctx.views = [_View(scene, one, flat, corners) for one in seen]
        masks = torch.empty(*image.shape[:3], 1)
        images, filled = image.numpy(), masks.numpy()[..., 0]
        _side_by_side(lambda i: ctx.views[i].forward(images[i], filled[i]), len(seen))
        ctx.mark_dirty(image)
        ctx.shapes = (texels.shape, vertices.shape)
        return image, masks

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        given = next(slope for slope in slopes if slope is not None)
        shape = given.shape[:3]
        to_images, to_masks = (
            np.zeros((*shape, n), np.float32) if slope is None else slope.contiguous().numpy()
            for slope, n in zip(slopes, (3, 1), strict=True)
        )
        count = len(ctx.views)
        sums = min(SUMS, count)
        to_texels = torch.zeros(sums, *ctx.shapes[0])
        to_vertices = torch.zeros(count, *ctx.shapes[1], dtype=torch.float64)

        def work(own: int) -> None:
            for i in range(own, count, sums):
                ctx.views[i].backward(to_images[i], to_masks[i], to_texels[own].numpy(), to_vertices[i].numpy())

        _side_by_side(work, sums)
        for other in to_texels[1:]:
            to_texels[0] += other
        return to_texels[0], to_vertices.sum(0).float(), None, None, None
