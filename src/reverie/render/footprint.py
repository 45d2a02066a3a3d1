"""How far texture coordinates move from one pixel to the next: which resolution of a texture a pixel should see."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.numerics.machine_code import has_numba


@torch.no_grad()
def footprint(points: Tensor, faces: Tensor, triangle: Tensor, uv: Tensor, face_uv: Tensor) -> Tensor:
    """Return ``[N]`` float32: how far texture coordinates move per pixel, for the N pixels that see a triangle.

    Root mean square over both directions of the picture, of ``d uv / d pixel = (sum(e_i uv_i) - uv sum(e_i)) / sum(n)``
    with ``e_i`` the slope of ``n_i``. Without gradient. Pixels are in order of ``(triangle >= 0).nonzero()``.
    """
    if points.device.type == "cpu" and has_numba():
        from reverie.render.fused import corners as kernels  # needs numba

        out = torch.zeros(triangle.shape)
        arrays = (points.detach().double().numpy(), faces.numpy(), triangle.numpy())
        kernels.footprint(*arrays, uv.detach().double().numpy(), face_uv.numpy(), out.numpy())
        return out[triangle >= 0]
    return footprint_torch(points, faces, triangle, uv, face_uv)


@torch.no_grad()
def footprint_torch(points: Tensor, faces: Tensor, triangle: Tensor, uv: Tensor, face_uv: Tensor) -> Tensor:
    """The same from torch operations, on any device."""
    seen = (triangle >= 0).nonzero()
    own = triangle[seen[:, 0], seen[:, 1]].long()
    p = points.double()[faces]
    lines = torch.stack([torch.linalg.cross(p[:, (i + 1) % 3], p[:, (i + 2) % 3]) for i in range(3)], 1)
    corner_uv = uv.double()[face_uv]
    across = torch.einsum("fic,fit->fct", lines, corner_uv)  # [F, 3, 2]: numerator of uv as a function of the pixel
    slope, whole = across[:, :2], lines.sum(1)
    at = torch.stack([seen[:, 1] + 0.5, seen[:, 0] + 0.5, torch.ones_like(seen[:, 0])], -1).to(p)
    total = (whole[own] * at).sum(-1)
    here = torch.einsum("nct,nc->nt", across[own], at) / total[:, None]
    moved = (slope[own] - here[:, None, :] * whole[own][:, :2, None]) / total[:, None, None]
    return (moved.square().sum((1, 2)) / 2).sqrt().float()
