"""A triangle mesh as a value, and what follows from its faces alone.

Positions and texture coordinates have index arrays of their own, as in OBJ files: `faces` counts each corner of the
surface once, so that normals, outlines and smoothness know no texture seams; `face_uv` may give one corner several
texture coordinates. ``(0, 0)`` is the lower left corner of the picture, ``(1, 1)`` the upper right one; beyond them the
picture repeats, or its border goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

GREY = (0.8, 0.8, 0.8)


@dataclass(frozen=True, eq=False)
class Material:
    """What a part of a surface looks like.

    Attributes:
        name: of the material in its file.
        color: sRGB in [0, 1]; multiplies the picture.
        picture: ``[h, w, 3]`` uint8 sRGB, row 0 on top, or None.
        repeats: whether the picture repeats outside [0, 1]; else its border goes on.
        unlit: shown as it is, without light.
    """

    name: str = "material"
    color: tuple[float, float, float] = GREY
    picture: np.ndarray | None = None
    repeats: bool = True
    unlit: bool = False


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices, triangles and their look.

    Attributes:
        vertices: ``[V, 3]`` float64, in the units of the file, y up whatever is up there.
        faces: ``[F, 3]`` int64, into `vertices`.
        uv: ``[T, 2]`` float64, or None.
        face_uv: ``[F, 3]`` int64 into `uv`, or None.
        materials: at least one.
        face_material: ``[F]`` int64, into `materials`.
        colors: ``[V, 3]`` sRGB in [0, 1] of the vertices, or None; multiplies the material.
        normals: ``[F, 3, 3]`` float32 unit normals of the corners as the file has them, or None.
        name: of what is shown.
        up: the axis that is up in the file, which other programs expect again.
        way: ``[V, 3]`` earlier places of the vertices, first to last, as our own GLB files carry them.
        notes: what was repaired or left out on the way here, one line each.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None = None
    face_uv: np.ndarray | None = None
    materials: tuple[Material, ...] = (Material(),)
    face_material: np.ndarray | None = None
    colors: np.ndarray | None = None
    normals: np.ndarray | None = None
    name: str = "mesh"
    up: Literal["y", "z"] = "y"
    way: tuple[np.ndarray, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def material_of_faces(self) -> np.ndarray:
        """``[F]`` int64 into `materials`."""
        return np.zeros(len(self.faces), np.int64) if self.face_material is None else self.face_material


@dataclass(frozen=True)
class Placement:
    """How a mesh was moved into the unit sphere: ``unit = (file - center) / radius``."""

    center: tuple[float, float, float]
    radius: float

    def to_unit(self, vertices: np.ndarray) -> np.ndarray:
        """Return vertices of the file in the unit sphere."""
        return (vertices - np.array(self.center)) / self.radius

    def to_file(self, vertices: np.ndarray) -> np.ndarray:
        """Return vertices of the unit sphere in the units of the file."""
        return vertices * self.radius + np.array(self.center)


def placed(mesh: Mesh) -> tuple[Mesh, Placement]:
    """Return the mesh centered by its bounding box and scaled to reach the unit sphere, and the way back."""
    used = mesh.vertices[np.unique(mesh.faces)]
    center = (used.min(0) + used.max(0)) / 2
    radius = float(np.sqrt(np.square(used - center).sum(1).max())) or 1.0
    placement = Placement((float(center[0]), float(center[1]), float(center[2])), radius)
    way = tuple(placement.to_unit(shape) for shape in mesh.way)
    return replace(mesh, vertices=placement.to_unit(mesh.vertices), way=way), placement


def moved(mesh: Mesh, vertices: np.ndarray) -> Mesh:
    """Return the mesh with its vertices elsewhere; normals and way of the file no longer hold and are dropped."""
    return replace(mesh, vertices=np.asarray(vertices, np.float64), normals=None, way=())


def textured(mesh: Mesh, uv: np.ndarray, face_uv: np.ndarray, picture: np.ndarray, *, unlit: bool = True) -> Mesh:
    """Return the mesh with one picture ``[h, w, 3]`` uint8 in the place of all materials and colors."""
    material = Material("texture", (1.0, 1.0, 1.0), picture, repeats=False, unlit=unlit)
    return replace(mesh, uv=uv, face_uv=face_uv, materials=(material,), face_material=None, colors=None)


def turned(vertices: np.ndarray, up: Literal["y", "z"], *, back: bool = False) -> np.ndarray:
    """Return ``[..., 3]`` places of a file whose axis `up` is up with y up; `back` undoes it."""
    if up == "y":
        return vertices
    x, y, z = vertices[..., 0], vertices[..., 1], vertices[..., 2]
    return np.stack([x, -z, y] if back else [x, z, -y], -1)


def distinct(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return where each distinct row first stands, in the order of rows, and which of them every row is.

    The same as `np.unique` of rows, from sorts of single numbers, which are ten times as fast.

    Args:
        columns: ``[N]`` each.
    """
    inverse = np.unique(columns[0], return_inverse=True)[1]
    for column in columns[1:]:
        values, index = np.unique(column, return_inverse=True)
        inverse = np.unique(inverse * len(values) + index, return_inverse=True)[1]
    first = np.zeros(int(inverse.max(initial=-1)) + 1, np.int64)
    first[inverse[::-1]] = np.arange(len(inverse))[::-1]
    return first, inverse


def welded(mesh: Mesh) -> Mesh:
    """Return the mesh with vertices of exactly equal position made one; texture coordinates are not touched."""
    first, inverse = distinct(list(mesh.vertices.T))
    if len(first) == len(mesh.vertices):
        return mesh
    order = np.argsort(first)  # keep the order of the file
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    kept = first[order]
    colors = None if mesh.colors is None else mesh.colors[kept]
    faces = rank[inverse][mesh.faces]
    way = tuple(shape[kept] for shape in mesh.way)
    return replace(mesh, vertices=mesh.vertices[kept], faces=faces, colors=colors, way=way)


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of a mesh and the corners opposite to them.

    An edge of exactly two faces stands once, with the two opposite corners. An edge of one face, or of three and more,
    stands once per face, with -1 as its second corner.

    Attributes:
        ends: ``[E, 2]`` int64 vertices.
        opposite: ``[E, 2]`` int64 vertices, -1 where there is no second face.
        faces: ``[E, 2]`` int64 faces, -1 where there is no second face.
    """

    ends: np.ndarray
    opposite: np.ndarray
    faces: np.ndarray


def edges_of(faces: np.ndarray) -> Edges:
    """Return all edges of ``[F, 3]`` triangles; in any order of corners, manifold or not."""
    corners = np.concatenate([faces[:, [1, 2, 0]], faces[:, [2, 0, 1]], faces[:, [0, 1, 2]]])  # end, end, opposite
    owner = np.tile(np.arange(len(faces)), 3)
    ends = np.sort(corners[:, :2], axis=1)
    order = np.lexsort((owner, ends[:, 1], ends[:, 0]))
    ends, opposite, owner = ends[order], corners[order, 2], owner[order]
    new = np.ones(len(ends), bool)
    new[1:] = (ends[1:] != ends[:-1]).any(1)
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(ends)))
    twin = first[count == 2]
    lone = np.flatnonzero(np.repeat(count != 2, count))
    none = np.full(len(lone), -1)
    return Edges(
        np.concatenate([ends[twin], ends[lone]]),
        np.concatenate([np.stack([opposite[twin], opposite[twin + 1]], 1), np.stack([opposite[lone], none], 1)]),
        np.concatenate([np.stack([owner[twin], owner[twin + 1]], 1), np.stack([owner[lone], none], 1)]),
    )


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return ``[F, 3]`` normals, twice as long as the face's area is large; corners run counterclockwise outside."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return np.cross(b - a, c - a)
