"""Numbers that say whether a texture is sound: what of it was ever seen, and whether seams show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reverie.numerics.mesh import Edges
from reverie.render.camera import Camera, project
from reverie.render.raster import raster
from reverie.render.sample import sample

CLOSER = 1.02  # a texel is hidden if the surface before it is nearer by this factor
ALONG = 5  # places at which a seam is looked at


def seen_fraction(
    positions: Tensor, vertices: Tensor, faces: Tensor, cameras: Sequence[Camera], size: tuple[int, int]
) -> float:
    """Return the fraction of places ``[N, 3]`` on a surface that at least one camera sees."""
    seen = torch.zeros(len(positions), dtype=torch.bool)
    for camera in cameras:
        matrix = camera.matrix(size)
        _, inverse = raster(project(vertices.double(), matrix), faces, size, camera.near)
        points = project(positions.double(), matrix)
        place = (points[:, :2] / points[:, 2:]).floor().long()
        inside = (points[:, 2] > camera.near) & (place >= 0).all(1) & (place[:, 0] < size[1]) & (place[:, 1] < size[0])
        place = place.clamp_min(0)
        front = inverse[place[:, 1].clamp_max(size[0] - 1), place[:, 0].clamp_max(size[1] - 1)]
        seen |= inside & (front > 0) & (1 / points[:, 2] * CLOSER > front)
    return float(seen.double().mean())


def seam_difference(texture: Tensor, uv: np.ndarray, faces: np.ndarray, face_uv: np.ndarray, edges: Edges) -> float:
    """Return the mean difference of color, in [0, 1], between both sides of the seams of ``[1, 3, T, U]``.

    A seam is an edge that lies in two places of the texture. 0 if there is none.
    """
    inner = edges.faces[:, 1] >= 0
    ends, owners = edges.ends[inner], edges.faces[inner]
    sides = [np.stack([_uv_at(faces, face_uv, owners[:, s], ends[:, e]) for e in (0, 1)], 1) for s in (0, 1)]
    seam = (sides[0] != sides[1]).any(1)
    if not seam.any():
        return 0.0
    part = (np.arange(ALONG) + 0.5)[:, None, None] / ALONG
    colors = []
    for side in sides:
        first, last = uv[side[seam, 0]], uv[side[seam, 1]]
        at = torch.from_numpy(first + part * (last - first)).reshape(-1, 2).float()
        size = (texture.shape[2], texture.shape[3])
        texels = texture[0].flatten(1).T.contiguous().float()
        colors.append(sample(texels, [size], at, torch.zeros(len(at))))
    return float((colors[0] - colors[1]).abs().mean())


def texel_difference(texture: Tensor, covered: Tensor) -> float:
    """Return the mean difference of color between neighboring used texels of ``[1, 3, T, U]``."""
    both = covered[:, 1:] & covered[:, :-1]
    return float((texture[..., 1:] - texture[..., :-1]).abs().mean((0, 1))[both].mean())


def _uv_at(faces: np.ndarray, face_uv: np.ndarray, owner: np.ndarray, vertex: np.ndarray) -> np.ndarray:
    """Return which texture coordinate each face has at one of its vertices."""
    return face_uv[owner, np.argmax(faces[owner] == vertex[:, None], axis=1)]
