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

from reverie.numerics.machine_code import has_numba


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
        from reverie.render.fused import corners as kernels  # needs numba

        ctx.save_for_backward(points, faces, triangle, values, corners)
        out = torch.zeros(*triangle.shape, values.shape[1], dtype=values.dtype)
        kernels.interpolate(
            points.detach().double().numpy(), faces.numpy(), triangle.numpy(), values.detach().contiguous().numpy(),
            corners.numpy(), out.numpy(),
        )  # fmt: skip
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, None, None, Tensor | None, None]:
        from reverie.render.fused import corners as kernels  # needs numba

        points, faces, triangle, values, corners = ctx.saved_tensors
        moved = ctx.needs_input_grad[0]
        place = points.detach().double().numpy()
        to_points, to_values = (torch.zeros(of.shape, dtype=torch.float64) for of in (points, values))
        to_lines = np.zeros((len(faces) if moved else 0, 9))
        kernels.interpolate_back(
            place, faces.numpy(), triangle.numpy(), values.detach().contiguous().numpy(), corners.numpy(),
            slopes[0].contiguous().numpy(), to_values.numpy(), to_lines,
        )  # fmt: skip
        kernels.lines_back(to_lines, place, faces.numpy(), to_points.numpy())
        return to_points.to(points.dtype) if moved else None, None, None, to_values.to(values.dtype), None
