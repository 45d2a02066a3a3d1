"""Lights: how bright a surface is from where it faces. Colors of a texture are multiplied by it.

All light is white and casts no shadows, so a surface's brightness is a function of its normal alone, smooth almost
everywhere: that is what tells an optimizer how to turn it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reverie.render.camera import Camera

CONE_DEG = 30.0  # around the vertical, within which the light of "cone" is drawn: as in Kato et al. 2018, section 5.3


@dataclass(frozen=True)
class Light:
    """Even light, one lamp far away, one on the camera, and a sky.

    Attributes:
        even: brightness from all sides.
        lamp: brightness of a surface that faces the lamp.
        toward: unit vector from the surface to the lamp.
        head: brightness of a surface that faces the camera, from a lamp on it.
        sky: 9 coefficients of spherical harmonics up to order two, in the order 1, y, z, x, xy, yz, 3z^2 - 1, xz,
            x^2 - y^2, of what falls on a surface of that normal; or none.
    """

    even: float = 1.0
    lamp: float = 0.0
    toward: tuple[float, float, float] = (0.0, 1.0, 0.0)
    head: float = 0.0
    sky: tuple[float, ...] = ()

    @property
    def is_flat(self) -> bool:
        """Whether all surfaces are equally bright."""
        return self.lamp == 0 and self.head == 0 and not self.sky

    def brightness(self, normals: Tensor, camera: Camera, turned: bool = False) -> Tensor:
        """Return ``[N, 1]`` of ``[N, 3]`` unit normals, differentiable; both sides of a surface shine the same.

        Args:
            normals: of the surface.
            camera: that sees it.
            turned: the normals are those of the side that the camera sees; see `sides_seen`. Without it, each normal
                that faces away is turned by itself. Near an outline, where normals between those of vertices face away
                a little, that jumps from the light above to the dark below, from one pixel to the next.
        """
        back = camera.eye() - torch.tensor(camera.target, dtype=torch.float64)
        way = (back / back.norm()).to(normals)
        facing = normals @ way
        seen = normals if turned else torch.where(facing < 0, -1.0, 1.0)[:, None] * normals
        total = self.even + self.head * (seen @ way).clamp_min(0)
        if self.lamp:
            total = total + self.lamp * (seen @ seen.new_tensor(self.toward)).clamp_min(0)
        if self.sky:
            total = total + harmonics(seen) @ seen.new_tensor(self.sky)
        return total[:, None]


UNLIT = Light()


def harmonics(normals: Tensor) -> Tensor:
    """Return ``[N, 9]`` polynomials of unit vectors, unnormalized real spherical harmonics.

    Source: Ramamoorthi & Hanrahan 2001, "An efficient representation for irradiance environment maps", equation 3.
    """
    x, y, z = normals.unbind(-1)
    return torch.stack([torch.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], -1)


def _unlit(generator: Generator) -> Light:
    return UNLIT


def _cone(generator: Generator) -> Light:
    """One lamp, somewhere above: a random direction within `CONE_DEG` of the vertical."""
    draw = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    height = 1 - draw[0] * (1 - math.cos(math.radians(CONE_DEG)))
    flat, turn = math.sqrt(1 - height * height), 2 * math.pi * draw[1]
    return Light(0.5, 0.5, (flat * math.cos(turn), height, flat * math.sin(turn)), 0.15)


def _sky(generator: Generator) -> Light:
    """A sky brighter than the ground, and a lamp on the camera, so that every slope differs from its neighbors."""
    return Light(0.35, head=0.45, sky=(0.1, 0.14, 0.02, 0.03, 0.0, 0.0, 0.0, 0.0, -0.02))


def _soft(generator: Generator) -> Light:
    return Light(0.7, head=0.3)


def _head(generator: Generator) -> Light:
    return Light(0.45, head=0.55)


LIGHTS: dict[str, Callable[[Generator], Light]] = {
    "soft": _soft, "unlit": _unlit, "head": _head, "cone": _cone, "sky": _sky,
}  # fmt: skip


@torch.no_grad()
def sides_seen(vertices: Tensor, faces: Tensor, normals: Tensor, eye: Tensor) -> Tensor:
    """Return ``[F]`` float64, 1 where normals stand on the side of a triangle that is seen from `eye`, else -1.

    Args:
        vertices: ``[V, 3]``.
        faces: ``[F, 3]`` int64.
        normals: ``[V, 3]`` of the vertices.
        eye: ``[3]``, in front of every triangle or behind it.
    """
    a, b, c = (vertices.double()[faces[:, i]] for i in range(3))
    flat = torch.linalg.cross(b - a, c - a)
    out = (flat * (eye.double() - a)).sum(1)
    along = (flat * normals.double()[faces].sum(1)).sum(1)
    return torch.where((out < 0) == (along < 0), 1.0, -1.0).double()


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Return ``[V, 3]`` unit normals, the mean of the faces around each vertex by area, differentiable.

    Where there are none, or they cancel, the normal is zero.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normals = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(vertices)
    for i in range(3):
        total = total.index_add(0, faces[:, i], normals)
    return total / torch.linalg.vector_norm(total, dim=1, keepdim=True).clamp_min(1e-20)
