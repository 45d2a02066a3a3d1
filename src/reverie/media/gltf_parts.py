"""Parts of a glTF scene: triangles of one material each, placed by their nodes and joined to one mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reverie.media.gltf_material import Materials, Slot
from reverie.media.mesh_file import unit_normals
from reverie.numerics.mesh import Mesh


@dataclass(frozen=True, eq=False)
class Part:
    """The triangles of one primitive: indices count from its own first vertex; None for what it lacks."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None
    colors: np.ndarray | None
    normals: np.ndarray | None
    slot: Slot
    way: tuple[np.ndarray, ...] = ()


def triangles_of(index: np.ndarray, mode: int) -> np.ndarray:
    """Return ``[F, 3]`` of lists, strips and fans; the rest of an incomplete triangle is dropped."""
    if mode == 4:
        return index[: len(index) // 3 * 3].reshape(-1, 3)
    if len(index) < 3:
        return np.zeros((0, 3), np.int64)
    if mode == 6:
        return np.stack([np.full(len(index) - 2, index[0]), index[1:-1], index[2:]], 1)
    faces = np.stack([index[:-2], index[1:-1], index[2:]], 1)
    faces[1::2] = faces[1::2][:, [1, 0, 2]]
    return faces


def placed_by(part: Part, matrix: np.ndarray) -> Part:
    """Return a part where the ``[4, 4]`` matrix of its node places it; a mirrored one keeps its outside."""
    turn = matrix[:3, :3]
    with np.errstate(over="ignore", invalid="ignore"):  # whoever checks coordinates says so
        vertices = part.vertices @ turn.T + matrix[:3, 3]
        way = tuple(shape @ turn.T + matrix[:3, 3] for shape in part.way)
    mirrored = np.linalg.det(turn) < 0
    faces = part.faces[:, ::-1] if mirrored else part.faces
    normals = part.normals
    if normals is not None:
        cofactor = np.stack([np.cross(turn[1], turn[2]), np.cross(turn[2], turn[0]), np.cross(turn[0], turn[1])])
        normals = normals @ (-cofactor if mirrored else cofactor).T
    return replace(part, vertices=vertices, faces=faces, normals=normals, way=way)


def joined(parts: Sequence[Part], materials: Materials) -> Mesh:
    """Return all parts as one mesh; texture coordinates and colors that some of them lack are filled in.

    Raises:
        MeshError: a face points nowhere.
    """
    counts = [len(part.vertices) for part in parts]
    for part, count in zip(parts, counts, strict=True):
        if len(part.faces) and part.faces.max() >= count:
            raise materials.file.broken(f"a face with vertex {part.faces.max()}; there are {count}")
    starts = np.cumsum([0, *counts[:-1]])
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)])
    uv = _filled(parts, lambda part: part.uv, 0.0)
    bare = sum(len(part.faces) for part in parts if part.uv is None)
    if uv is not None and bare:
        materials.notes.append(f"{bare:,} triangles have no texture coordinates")
    slots = list(dict.fromkeys(part.slot for part in parts))
    return Mesh(
        np.concatenate([part.vertices for part in parts]), faces, uv, None if uv is None else faces,
        tuple(slot.material for slot in slots),
        np.concatenate([np.full(len(part.faces), slots.index(part.slot)) for part in parts]),
        _filled(parts, lambda part: part.colors, 1.0), _normals(parts, faces), way=_way(parts),
    )  # fmt: skip


def _filled(parts: Sequence[Part], of: Callable[[Part], np.ndarray | None], value: float) -> np.ndarray | None:
    """Return the values of all parts, `value` for those that have none; None if none has any."""
    found = [of(part) for part in parts]
    width = next((values.shape[1] for values in found if values is not None), None)
    if width is None:
        return None
    whole = (
        np.full((len(part.vertices), width), value) if own is None else own
        for part, own in zip(parts, found, strict=True)
    )
    return np.concatenate(list(whole))


def _normals(parts: Sequence[Part], faces: np.ndarray) -> np.ndarray | None:
    found = [part.normals for part in parts if part.normals is not None]
    return unit_normals(np.concatenate(found)[faces]) if len(found) == len(parts) else None


def _way(parts: Sequence[Part]) -> tuple[np.ndarray, ...]:
    """Return the earlier places of all vertices, if all parts have as many."""
    steps = {len(part.way) for part in parts}
    count = steps.pop() if len(steps) == 1 else 0
    return tuple(np.concatenate([part.way[i] for part in parts]) for i in range(count))
