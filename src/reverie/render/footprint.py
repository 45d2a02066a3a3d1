"""How far texture coordinates move from one pixel to the next: which resolution of a texture a pixel should see."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from reverie.render.compiled import compiled, has_numba


@torch.no_grad()
def footprint(points: Tensor, faces: Tensor, triangle: Tensor, uv: Tensor, face_uv: Tensor) -> Tensor:
    """Return ``[N]`` float32: how far texture coordinates move per pixel, for the N pixels that see a triangle.

    Root mean square over both directions of the picture, of ``d uv / d pixel = (sum(e_i uv_i) - uv sum(e_i)) / sum(n)``
    with ``e_i`` the slope of ``n_i``. Without gradient. Pixels are in order of ``(triangle >= 0).nonzero()``.
    """
    if points.device.type == "cpu" and has_numba():
        out = torch.zeros(triangle.shape)
        arrays = (points.detach().double().numpy(), faces.numpy(), triangle.numpy())
        compiled(_footprint)(*arrays, uv.detach().double().numpy(), face_uv.numpy(), out.numpy())
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


def _footprint(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, uv: np.ndarray, face_uv: np.ndarray, out: np.ndarray
) -> None:
    for y in range(triangle.shape[0]):
        v = y + 0.5
        last = -1
        ux = uy = uz = vx = vy = vz = wx = wy = wz = 0.0
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            if f != last:
                last = f
                ux = uy = uz = vx = vy = vz = wx = wy = wz = 0.0
                for turn in range(3):
                    j, k = faces[f, (turn + 1) % 3], faces[f, (turn + 2) % 3]
                    ex = points[j, 1] * points[k, 2] - points[j, 2] * points[k, 1]
                    ey = points[j, 2] * points[k, 0] - points[j, 0] * points[k, 2]
                    ez = points[j, 0] * points[k, 1] - points[j, 1] * points[k, 0]
                    s, t = uv[face_uv[f, turn], 0], uv[face_uv[f, turn], 1]
                    wx, wy, wz = wx + ex, wy + ey, wz + ez
                    ux, uy, uz = ux + ex * s, uy + ey * s, uz + ez * s
                    vx, vy, vz = vx + ex * t, vy + ey * t, vz + ez * t
            u = x + 0.5
            total = 1.0 / (wx * u + wy * v + wz)
            s, t = (ux * u + uy * v + uz) * total, (vx * u + vy * v + vz) * total
            sx, sy = (ux - s * wx) * total, (uy - s * wy) * total
            tx, ty = (vx - t * wx) * total, (vy - t * wy) * total
            out[y, x] = np.sqrt((sx * sx + sy * sy + tx * tx + ty * ty) / 2)
