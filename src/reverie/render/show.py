"""Any mesh as people see it: materials, pictures, colors and light, smooth outlines. For viewing, without gradients.

Light is what the page with the viewer has as well: one lamp at the camera's upper left and light from all around,
added up in linear light. Materials marked unlit are shown as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reverie.numerics.color import linear_to_srgb, srgb_to_linear
from reverie.numerics.mesh import Mesh, edges_of, placed
from reverie.numerics.mesh_normals import corner_normals
from reverie.render.camera import Camera, project
from reverie.render.footprint import footprint
from reverie.render.interpolate import interpolate
from reverie.render.mips import MipPlan, plan_mips
from reverie.render.outline import EdgeTable, find_crossings
from reverie.render.raster import raster
from reverie.render.sample import level_of, sample

AROUND, LAMP = 0.45, 0.65  # light from all sides; of the lamp, where it falls straight
LAMP_DIRECTION = (-0.4, 0.5, 0.77)  # in the axes of the camera: right, up, towards the eye
LEVELS = 10
BACKGROUND = (0.93, 0.93, 0.93)


@dataclass(frozen=True, eq=False)
class _Texture:
    """A material's picture in linear light at all resolutions."""

    texels: Tensor
    plan: MipPlan
    repeats: bool


class Shown:
    """A mesh, scaled into the unit sphere, ready to be seen from anywhere.

    Args:
        mesh: any.
    """

    def __init__(self, mesh: Mesh) -> None:
        unit, self.placement = placed(mesh)
        self.vertices, self.faces = torch.from_numpy(unit.vertices), torch.from_numpy(np.array(unit.faces))
        edges = edges_of(unit.faces)
        self.edges = EdgeTable(torch.from_numpy(edges.ends), torch.from_numpy(edges.opposite))
        self.owner = torch.from_numpy(np.array(unit.material_of_faces))
        self.materials = unit.materials
        colors = torch.tensor([material.color for material in unit.materials], dtype=torch.float64)
        self.plain = srgb_to_linear(colors).float()
        self.unlit = torch.tensor([material.unlit for material in unit.materials])
        self.values, self.corners = _corner_values(unit)
        self.uv = None if unit.uv is None else torch.from_numpy(np.array(unit.uv))
        self.face_uv = None if unit.face_uv is None else torch.from_numpy(np.array(unit.face_uv))
        self.textures = [_texture_of(material.picture, material.repeats) for material in unit.materials]

    def picture(
        self, camera: Camera, size: tuple[int, int], background: tuple[float, float, float] = BACKGROUND
    ) -> np.ndarray:  # fmt: skip
        """Return ``[H, W, 3]`` uint8 sRGB of what a camera sees."""
        matrix = camera.matrix(size)
        points = project(self.vertices, matrix)
        triangle, inverse = raster(points, self.faces, size, camera.near)
        seen = (triangle >= 0).nonzero()
        rows, columns = seen[:, 0], seen[:, 1]
        owner = self.owner[triangle[rows, columns].long()]
        values = interpolate(points, self.faces, triangle, self.values, self.corners)[rows, columns]
        colors = self.plain[owner] * values[:, 3:]
        self._paint(colors, points, triangle, rows, columns, owner)
        facing = _facing(self.vertices, self.faces, camera.eye())[triangle[rows, columns].long()]
        light = _light(values[:, :3] * facing[:, None], matrix)
        colors = torch.where(self.unlit[owner][:, None], colors, colors * light[:, None])
        image = torch.tensor(background, dtype=torch.float32).expand(*size, 3)
        image = image.index_put((rows, columns), linear_to_srgb(colors.clamp(0, 1)).to(image))
        image = find_crossings(points, self.edges, triangle, inverse, camera.near).smooth(image)
        return (image.clamp(0, 1) * 255).round().byte().numpy()

    def _paint(
        self, colors: Tensor, points: Tensor, triangle: Tensor, rows: Tensor, columns: Tensor, owner: Tensor
    ) -> None:  # fmt: skip
        """Multiply colors ``[N, 3]`` by the pictures of their materials."""
        if self.uv is None or self.face_uv is None or all(one is None for one in self.textures):
            return
        uv = interpolate(points, self.faces, triangle, self.uv, self.face_uv)[rows, columns]
        wide = footprint(points, self.faces, triangle, self.uv, self.face_uv)
        for number, one in enumerate(self.textures):
            chosen = (owner == number).nonzero()[:, 0]
            if one is None or not len(chosen):
                continue
            place = uv[chosen]
            place = place - place.floor() if one.repeats else place.clamp(0, 1)
            level = level_of(wide[chosen], one.plan.sizes[0], len(one.plan.sizes))
            colors[chosen] *= sample(one.texels, one.plan.sizes, place.float(), level.float())


def _corner_values(mesh: Mesh) -> tuple[Tensor, Tensor]:
    """Return ``[N, 6]`` normals and linear colors, each once, and ``[F, 3]`` into them."""
    normals = corner_normals(mesh).reshape(-1, 3)
    vertex = mesh.faces.reshape(-1)
    colors = np.ones((len(vertex), 3)) if mesh.colors is None else mesh.colors[vertex]
    linear = srgb_to_linear(torch.from_numpy(np.ascontiguousarray(colors))).float()
    values = torch.cat([torch.from_numpy(np.ascontiguousarray(normals)), linear], 1)
    return values, torch.arange(len(vertex)).view(-1, 3)


def _texture_of(picture: np.ndarray | None, repeats: bool) -> _Texture | None:
    if picture is None:
        return None
    linear = srgb_to_linear(torch.from_numpy(picture.astype(np.float32) / 255)).permute(2, 0, 1)[None]
    plan = plan_mips(torch.ones(picture.shape[:2], dtype=torch.bool), LEVELS)
    return _Texture(plan.texels(linear.contiguous()), plan, repeats)


def _light(normals: Tensor, matrix: Tensor) -> Tensor:
    """Return the light ``[N]`` that falls on normals ``[N, 3]``."""
    away = matrix[2, :3]
    right, down = (row[:3] - (row[:3] @ away) * away for row in matrix[:2])  # without the middle of the picture
    axes = torch.stack([right / right.norm(), -down / down.norm(), -away])
    lamp = torch.tensor(LAMP_DIRECTION, dtype=torch.float64)
    way = ((lamp / lamp.norm()) @ axes).to(normals)
    unit = normals / normals.norm(dim=1, keepdim=True).clamp_min(1e-6)
    return AROUND + LAMP * (unit @ way).clamp_min(0)


def _facing(vertices: Tensor, faces: Tensor, eye: Tensor) -> Tensor:
    """Return ``[F]`` 1 for faces seen from outside, -1 for those seen from inside."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    outside = (torch.linalg.cross(b - a, c - a) * (eye - a)).sum(1) >= 0
    return torch.where(outside, 1.0, -1.0)
