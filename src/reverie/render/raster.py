"""Which triangle does each pixel see: the one step of rendering that has no gradient.

Triangles are tested in homogeneous coordinates ``(x w, y w, w)``: the three edge functions of a pixel ``p`` are
``n_i = (P_j x P_k) . p``, of one sign inside, and ``sum(n_i) / det(P)`` is the inverse depth there. Both hold when a
corner lies behind the camera, so that no triangle needs to be cut; what is nearer than the near plane is left out.
Source: Olano & Greer 1997, "Triangle scan conversion using 2D homogeneous coordinates".

A pixel sees the triangle of the greatest inverse depth in float32; of equal ones, the first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from reverie.errors import InputError, unknown_name
from reverie.numerics.machine_code import has_numba
from reverie.render.boxes import boxes, packed, unpacked

FRAGMENTS = 1 << 21  # tested at once by the torch backend: about 200 MB
Raster = Callable[[Tensor, Tensor, tuple[int, int], float], tuple[Tensor, Tensor]]


def raster(
    points: Tensor, faces: Tensor, size: tuple[int, int], near: float, backend: str = "auto"
) -> tuple[Tensor, Tensor]:
    """Return the triangle ``[H, W]`` int32 that each pixel sees, -1 for none, and its inverse depth, float32.

    Args:
        points: ``[V, 3]`` from `reverie.render.camera.project`.
        faces: ``[F, 3]`` integers.
        size: ``(H, W)``.
        near: least depth that is seen, above 0.
        backend: ``numba`` (processor), ``torch`` (any device), ``triton`` (CUDA; only its interpreter has been run), or
            ``auto``: numba on a processor that has it, else torch.

    Raises:
        InputError: no such backend.
    """
    name = _best(points.device) if backend == "auto" else backend
    if name not in BACKENDS:
        raise InputError(unknown_name("raster backend", name, BACKENDS))
    return BACKENDS[name](points.detach().double(), faces, size, near)


def _best(device: torch.device) -> str:
    return "numba" if device.type == "cpu" and has_numba() else "torch"


def _by_numba(points: Tensor, faces: Tensor, size: tuple[int, int], near: float) -> tuple[Tensor, Tensor]:
    from reverie.render.fused.scan import scan  # needs numba

    triangle = np.full(size, -1, np.int32)
    inverse = np.zeros(size, np.float32)
    scan(points.cpu().numpy(), faces.cpu().numpy(), near, triangle, inverse)
    return torch.from_numpy(triangle).to(points.device), torch.from_numpy(inverse).to(points.device)


def _by_torch(points: Tensor, faces: Tensor, size: tuple[int, int], near: float) -> tuple[Tensor, Tensor]:
    """The same from torch operations: all pixels of all boxes at once, then the nearest of each pixel."""
    height, width = size
    corners = points[faces.long()]
    low, high = boxes(corners, size, near)
    extent = (high - low + 1).clamp_min(0)
    count = extent[:, 0] * extent[:, 1]
    some = count.nonzero()[:, 0]
    best = torch.full((height * width,), torch.iinfo(torch.int64).max, dtype=torch.int64, device=points.device)
    for part in _parts(some, count):
        pixel, key = _fragments(corners[part], part, low[part], extent[part], width, near)
        best.scatter_reduce_(0, pixel, key, "amin")
    return unpacked(best, size)


def _parts(some: Tensor, count: Tensor) -> list[Tensor]:
    """Cut the triangles into runs of at most about `FRAGMENTS` pixels."""
    if not len(some):
        return []
    group = (count[some].cumsum(0) - 1) // FRAGMENTS
    return list(some.split(torch.unique_consecutive(group, return_counts=True)[1].tolist()))


def _fragments(
    corners: Tensor, ids: Tensor, low: Tensor, extent: Tensor, width: int, near: float
) -> tuple[Tensor, Tensor]:
    """Return pixel index and key of every pixel inside one of the triangles; the smallest key is the nearest."""
    count = extent[:, 0] * extent[:, 1]
    own = torch.repeat_interleave(torch.arange(len(ids), device=ids.device), count)
    place = torch.arange(len(own), device=ids.device) - (count.cumsum(0) - count)[own]
    x = low[own, 0] + place % extent[own, 0]
    y = low[own, 1] + place // extent[own, 0]
    lines = torch.stack([torch.linalg.cross(corners[:, (i + 1) % 3], corners[:, (i + 2) % 3]) for i in range(3)], 1)
    det = (corners[:, 0] * lines[:, 0]).sum(-1)
    at = torch.stack([x + 0.5, y + 0.5, torch.ones_like(x)], -1).to(corners)
    n = (lines[own] * at[:, None]).sum(-1)
    depth = (n.sum(-1) / det[own]).float()
    inside = (n * det.sign()[own, None] >= 0).all(-1) & (depth > 0) & (depth <= 1 / near) & (det != 0)[own]
    return (y * width + x)[inside], packed(depth[inside], ids[own][inside])


def _by_triton(points: Tensor, faces: Tensor, size: tuple[int, int], near: float) -> tuple[Tensor, Tensor]:
    from reverie.render.raster_triton import raster_triton  # needs triton

    return raster_triton(points, faces, size, near)


BACKENDS: dict[str, Raster] = {"numba": _by_numba, "torch": _by_torch, "triton": _by_triton}
