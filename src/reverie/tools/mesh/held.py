"""How much each vertex of a mesh is held where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reverie.errors import InputError, unknown_name
from reverie.media.image import Picture, read_picture
from reverie.numerics.mesh import Mesh
from reverie.render.sample import sample
from reverie.tools.mesh.config import MeshLock
from reverie.tools.mesh.model import colors_of


@dataclass(frozen=True, eq=False)
class Lock:
    """A lock and its picture."""

    where: MeshLock
    mask: Picture | None


def read_locks(texts: Sequence[str]) -> tuple[Lock, ...]:
    """Return all locks with their pictures.

    Raises:
        InputError: one cannot be read.
    """
    parsed = [MeshLock.parse(text) for text in texts]
    return tuple(Lock(one, None if one.mask is None else read_picture(one.mask)) for one in parsed)


def held_vertices(mesh: Mesh, locks: Sequence[Lock]) -> Tensor | None:
    """Return ``[V]`` from 0, free, to 1, held; None if all are free.

    Raises:
        InputError: a material that the mesh does not have, or a mask without texture coordinates.
    """
    if not locks:
        return None
    held = np.zeros(len(mesh.vertices), np.float32)
    for lock in locks:
        np.maximum.at(held, mesh.faces, _of_corners(mesh, lock))
    return torch.from_numpy(held)


def _of_corners(mesh: Mesh, lock: Lock) -> np.ndarray:
    if lock.where.material is not None:
        names = [material.name for material in mesh.materials]
        if lock.where.material not in names:
            raise InputError(f"--lock: {unknown_name('material', lock.where.material, names)}")
        wanted = np.array([name == lock.where.material for name in names], np.float32)
        return np.repeat(wanted[mesh.material_of_faces][:, None], 3, 1)
    if mesh.uv is None or mesh.face_uv is None or lock.mask is None:
        raise InputError("--lock: a mask is a picture on the file's texture coordinates; this mesh has none")
    white = colors_of(lock.mask).mean(1)[0]
    uv = torch.from_numpy(mesh.uv[mesh.face_uv.reshape(-1)]).float()
    inside = torch.where((uv < 0) | (uv > 1), uv - uv.floor(), uv)
    size = (white.shape[0], white.shape[1])
    found = sample(white.reshape(-1, 1).contiguous(), [size], inside, torch.zeros(len(uv)))
    return found[:, 0].reshape(-1, 3).numpy()
