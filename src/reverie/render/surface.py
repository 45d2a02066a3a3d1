"""The geometry of a mesh with a texture, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from reverie.render.outline import EdgeTable


@dataclass(frozen=True, eq=False)
class Surface:
    """The geometry that a texture lies on.

    Attributes:
        vertices: ``[V, 3]``.
        faces: ``[F, 3]`` int64 into `vertices`.
        uv: ``[T, 2]`` in [0, 1].
        face_uv: ``[F, 3]`` int64 into `uv`.
        edges: of `faces`.
    """

    vertices: Tensor
    faces: Tensor
    uv: Tensor
    face_uv: Tensor
    edges: EdgeTable
