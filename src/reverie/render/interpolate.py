"""Values at the corners of triangles, carried to the pixels that see them, correct in perspective.

With edge functions ``n_i`` of a pixel (see `reverie.render.raster`) its barycentric coordinates on the surface are
``b_i = n_i / sum(n)``. The pixel's value is ``sum(b_i a_i)``; gradients reach the
values and, through ``b``, the points.
On a processor both directions are one loop over pixels; elsewhere they are torch operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.render.compiled import compiled, has_numba


def interpolate(points: Tensor, faces: Tensor, triangle: Tensor, values: Tensor, corners: Tensor) -> Tensor:
    """Return ``[H, W, K]``, zero where no triangle is seen; differentiable in `points` and `values`.

    Args:
        points: ``[V, 3]`` of `reverie.render.camera.project`.
        faces: ``[F, 3]`` int64 into `points`.
        triangle: ``[H, W]`` int32, what each pixel sees.
        values: ``[A, K]``, float32 or float64.
        corners: ``[F, 3]`` int64 into `values`.
    """
    if points.device.type == "cpu" and has_numba():
        result: Tensor = _Fused.apply(points, faces, triangle, values, corners)
        return result
    return interpolate_torch(points, faces, triangle, values, corners)


def interpolate_torch(points: Tensor, faces: Tensor, triangle: Tensor, values: Tensor, corners: Tensor) -> Tensor:
    """The same from torch operations, on any device."""
    seen = (triangle >= 0).nonzero()
    own = triangle[seen[:, 0], seen[:, 1]].long()
    b = barycentric(points, faces, own, seen)
    found = (b[..., None].to(values) * values[corners[own]]).sum(1)
    return values.new_zeros(*triangle.shape, values.shape[1]).index_put((seen[:, 0], seen[:, 1]), found)


def barycentric(points: Tensor, faces: Tensor, own: Tensor, pixels: Tensor) -> Tensor:
    """Return ``[N, 3]`` barycentric coordinates of ``[N, 2]`` (row, column) pixels on their triangles, float64."""
    p = points.double()[faces[own]]
    at = torch.stack([pixels[:, 1] + 0.5, pixels[:, 0] + 0.5, torch.ones_like(pixels[:, 0])], -1).to(p)
    n = torch.stack([(torch.linalg.cross(p[:, (i + 1) % 3], p[:, (i + 2) % 3]) * at).sum(-1) for i in range(3)], 1)
    return n / n.sum(1, keepdim=True)


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, points: Tensor, faces: Tensor, triangle: Tensor, values: Tensor, corners: Tensor
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(points, faces, triangle, values, corners)
        out = torch.zeros(*triangle.shape, values.shape[1], dtype=values.dtype)
        p, v = points.detach().double().numpy(), values.detach().contiguous().numpy()
        compiled(_forward)(p, faces.numpy(), triangle.numpy(), v, corners.numpy(), out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, None, None, Tensor | None, None]:
        points, faces, triangle, values, corners = ctx.saved_tensors
        moved = ctx.needs_input_grad[0]
        to_points = torch.zeros(points.shape, dtype=torch.float64)
        to_values = torch.zeros(values.shape, dtype=torch.float64)
        compiled(_backward)(
            points.detach().double().numpy(), faces.numpy(), triangle.numpy(), values.detach().contiguous().numpy(),
            corners.numpy(), slopes[0].contiguous().numpy(), moved, to_points.numpy(), to_values.numpy(),
        )  # fmt: skip
        return to_points.to(points.dtype) if moved else None, None, None, to_values.to(values.dtype), None


def _forward(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, values: np.ndarray, corners: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    for y in range(triangle.shape[0]):
        v = y + 0.5
        last = -1
        a0x = a0y = a0z = a1x = a1y = a1z = a2x = a2y = a2z = 0.0
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            if f != last:
                last = f
                i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
                a0x = points[j, 1] * points[k, 2] - points[j, 2] * points[k, 1]
                a0y = points[j, 2] * points[k, 0] - points[j, 0] * points[k, 2]
                a0z = points[j, 0] * points[k, 1] - points[j, 1] * points[k, 0]
                a1x = points[k, 1] * points[i, 2] - points[k, 2] * points[i, 1]
                a1y = points[k, 2] * points[i, 0] - points[k, 0] * points[i, 2]
                a1z = points[k, 0] * points[i, 1] - points[k, 1] * points[i, 0]
                a2x = points[i, 1] * points[j, 2] - points[i, 2] * points[j, 1]
                a2y = points[i, 2] * points[j, 0] - points[i, 0] * points[j, 2]
                a2z = points[i, 0] * points[j, 1] - points[i, 1] * points[j, 0]
            u = x + 0.5
            n0 = a0x * u + a0y * v + a0z
            n1 = a1x * u + a1y * v + a1z
            n2 = a2x * u + a2y * v + a2z
            total = 1.0 / (n0 + n1 + n2)
            n0, n1, n2 = n0 * total, n1 * total, n2 * total
            c0, c1, c2 = corners[f, 0], corners[f, 1], corners[f, 2]
            for m in range(values.shape[1]):
                out[y, x, m] = n0 * values[c0, m] + n1 * values[c1, m] + n2 * values[c2, m]


def _backward(
    points: np.ndarray, faces: np.ndarray, triangle: np.ndarray, values: np.ndarray, corners: np.ndarray,
    slope: np.ndarray, moved: bool, to_points: np.ndarray, to_values: np.ndarray,
) -> None:  # fmt: skip
    """Add up ``d n_i * p`` per triangle first, and turn it into gradients of the points once per triangle."""
    lines = np.zeros((faces.shape[0] if moved else 1, 3, 3))
    for y in range(triangle.shape[0]):
        v = y + 0.5
        last = -1
        a0x = a0y = a0z = a1x = a1y = a1z = a2x = a2y = a2z = 0.0
        for x in range(triangle.shape[1]):
            f = triangle[y, x]
            if f < 0:
                continue
            if f != last:
                last = f
                i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
                a0x = points[j, 1] * points[k, 2] - points[j, 2] * points[k, 1]
                a0y = points[j, 2] * points[k, 0] - points[j, 0] * points[k, 2]
                a0z = points[j, 0] * points[k, 1] - points[j, 1] * points[k, 0]
                a1x = points[k, 1] * points[i, 2] - points[k, 2] * points[i, 1]
                a1y = points[k, 2] * points[i, 0] - points[k, 0] * points[i, 2]
                a1z = points[k, 0] * points[i, 1] - points[k, 1] * points[i, 0]
                a2x = points[i, 1] * points[j, 2] - points[i, 2] * points[j, 1]
                a2y = points[i, 2] * points[j, 0] - points[i, 0] * points[j, 2]
                a2z = points[i, 0] * points[j, 1] - points[i, 1] * points[j, 0]
            u = x + 0.5
            n0 = a0x * u + a0y * v + a0z
            n1 = a1x * u + a1y * v + a1z
            n2 = a2x * u + a2y * v + a2z
            total = 1.0 / (n0 + n1 + n2)
            n0, n1, n2 = n0 * total, n1 * total, n2 * total
            c0, c1, c2 = corners[f, 0], corners[f, 1], corners[f, 2]
            g0 = g1 = g2 = 0.0
            for m in range(values.shape[1]):
                s = slope[y, x, m]
                g0 += s * values[c0, m]
                g1 += s * values[c1, m]
                g2 += s * values[c2, m]
                to_values[c0, m] += s * n0
                to_values[c1, m] += s * n1
                to_values[c2, m] += s * n2
            if moved:
                mean = g0 * n0 + g1 * n1 + g2 * n2
                g0, g1, g2 = (g0 - mean) * total, (g1 - mean) * total, (g2 - mean) * total
                lines[f, 0, 0] += g0 * u
                lines[f, 0, 1] += g0 * v
                lines[f, 0, 2] += g0
                lines[f, 1, 0] += g1 * u
                lines[f, 1, 1] += g1 * v
                lines[f, 1, 2] += g1
                lines[f, 2, 0] += g2 * u
                lines[f, 2, 1] += g2 * v
                lines[f, 2, 2] += g2
    if not moved:
        return
    for f in range(faces.shape[0]):
        for turn in range(3):
            gx, gy, gz = lines[f, turn, 0], lines[f, turn, 1], lines[f, turn, 2]
            if gx == 0.0 and gy == 0.0 and gz == 0.0:
                continue
            j, k = faces[f, (turn + 1) % 3], faces[f, (turn + 2) % 3]
            # n = (P_j x P_k) . p: its gradient is P_k x (g p) for P_j, and (g p) x P_j for P_k
            to_points[j, 0] += points[k, 1] * gz - points[k, 2] * gy
            to_points[j, 1] += points[k, 2] * gx - points[k, 0] * gz
            to_points[j, 2] += points[k, 0] * gy - points[k, 1] * gx
            to_points[k, 0] += gy * points[j, 2] - gz * points[j, 1]
            to_points[k, 1] += gz * points[j, 0] - gx * points[j, 2]
            to_points[k, 2] += gx * points[j, 1] - gy * points[j, 0]
