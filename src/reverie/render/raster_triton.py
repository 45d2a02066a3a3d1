# pyright: reportMissingImports=false, reportMissingParameterType=false, reportUntypedFunctionDecorator=false
"""The rasterizer for CUDA: one program per triangle, which walks over its box in small tiles.

What it computes is described in `reverie.render.raster`. The nearest triangle of a pixel is the least of 64-bit keys,
which the programs lower together. Needs triton, which comes with torch for CUDA; with ``TRITON_INTERPRET=1`` in the
environment it runs without a GPU, very slowly, for tests.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from reverie.render.boxes import boxes, unpacked

ROWS, COLUMNS = 8, 16  # of a tile


def raster_triton(points: Tensor, faces: Tensor, size: tuple[int, int], near: float) -> tuple[Tensor, Tensor]:
    """Return triangles and inverse depths; see `reverie.render.raster.raster`."""
    corners = points[faces.long()].contiguous()
    low, high = boxes(corners, size, near)
    most = torch.iinfo(torch.int64).max
    keys = torch.full((size[0] * size[1],), most, dtype=torch.int64, device=points.device)
    program: Any = _scan
    program[(len(faces),)](corners, low.int(), high.int(), keys, size[1], 1 / near, ROWS=ROWS, COLUMNS=COLUMNS)
    return unpacked(keys, size)


@triton.jit
def _scan(corners, low, high, keys, width, nearest, ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # noqa: N803
    f = tl.program_id(0)
    ax, ay, aw = tl.load(corners + 9 * f), tl.load(corners + 9 * f + 1), tl.load(corners + 9 * f + 2)
    bx, by, bw = tl.load(corners + 9 * f + 3), tl.load(corners + 9 * f + 4), tl.load(corners + 9 * f + 5)
    cx, cy, cw = tl.load(corners + 9 * f + 6), tl.load(corners + 9 * f + 7), tl.load(corners + 9 * f + 8)
    e0x, e0y, e0z = by * cw - bw * cy, bw * cx - bx * cw, bx * cy - by * cx
    e1x, e1y, e1z = cy * aw - cw * ay, cw * ax - cx * aw, cx * ay - cy * ax
    e2x, e2y, e2z = ay * bw - aw * by, aw * bx - ax * bw, ax * by - ay * bx
    det = ax * e0x + ay * e0y + aw * e0z
    first_x, first_y = tl.load(low + 2 * f), tl.load(low + 2 * f + 1)
    last_x, last_y = tl.load(high + 2 * f), tl.load(high + 2 * f + 1)
    sign = tl.where(det > 0, 1.0, -1.0)
    scale = tl.where(det != 0, 1 / det, 0.0)  # of a triangle seen from its edge: no depth, no pixel
    for top in range(first_y, last_y + 1, ROWS):
        for left in range(first_x, last_x + 1, COLUMNS):
            y, x = top + tl.arange(0, ROWS)[:, None], left + tl.arange(0, COLUMNS)[None, :]
            u, v = x + 0.5, y + 0.5
            n0, n1, n2 = e0x * u + e0y * v + e0z, e1x * u + e1y * v + e1z, e2x * u + e2y * v + e2z
            depth = ((n0 + n1 + n2) * scale).to(tl.float32)
            inside = (sign * n0 >= 0) & (sign * n1 >= 0) & (sign * n2 >= 0)
            inside &= (depth > 0) & (depth <= nearest) & (x <= last_x) & (y <= last_y)
            key = ((0x7FFFFFFF - depth.to(tl.int32, bitcast=True).to(tl.int64)) << 32) | f
            tl.atomic_min(keys + y * width + x, key, mask=inside)
