"""Outlines with smooth borders, and how they move with the vertices.

Whether a pixel sees a surface is a jump, whose derivative is zero almost everywhere. What a picture really gains when
an outline moves is the strip that it sweeps, times the difference of the colors on both sides. So every place where an
outline crosses the line between two neighboring pixel centers is found, and the two pixels are blended by where it
crosses: ``out[target] += w (t - 1/2) (near - far)``, with ``t`` the way from the near pixel's center to the far one's
and the target the pixel that the border lies in. ``t`` is linear in the two ends of the edge: that is the gradient.

Rows and columns each see all of an outline; ``w`` is ``dy^2 / (dx^2 + dy^2)`` for rows and the rest for columns.
An outline is an edge with both faces on one side of it, as seen from the camera, or of one face only.
Source: the boundary integral of Li et al. 2018, "Differentiable Monte Carlo ray tracing through edge sampling",
section 3.1, taken at pixel borders in the manner of Max 1990, "Antialiasing scan-line data".
Differs: of several crossings between one pair of pixels only the outermost counts, so that triangles smaller than
pixels work.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CLOSER = 1 + 1e-4  # an edge must be nearer than the surface beyond it by this factor: rounding of touching faces


@dataclass(frozen=True, eq=False)
class EdgeTable:
    """`reverie.numerics.mesh.Edges` as tensors: ``[E, 2]`` ends and opposite vertices (-1 for none)."""

    ends: Tensor
    opposite: Tensor


@dataclass(frozen=True, eq=False)
class Crossings:
    """Where outlines pass between two neighboring pixels of one view.

    Attributes:
        amount: ``[K]`` float32, ``w (t - 1/2)``; carries the gradient to the vertices.
        near, far, target: ``[K]`` flat pixel indices.
    """

    amount: Tensor
    near: Tensor
    far: Tensor
    target: Tensor

    def smooth(self, images: Tensor) -> Tensor:
        """Return ``[H, W, C]`` with blended outlines, differentiable in the colors and in the vertices."""
        flat = images.flatten(0, 1)
        change = self.amount.to(images)[:, None] * (flat[self.near] - flat[self.far])
        return flat.index_add(0, self.target, change).view_as(images)


def find_crossings(points: Tensor, edges: EdgeTable, triangle: Tensor, inverse: Tensor, near: float) -> Crossings:
    """Return all crossings of a view.

    Args:
        points: ``[V, 3]`` of `reverie.render.camera.project`; amounts are differentiable in them.
        edges: of the mesh with one vertex per position.
        triangle: ``[H, W]`` from `reverie.render.raster.raster`.
        inverse: likewise.
        near: least depth that is seen.
    """
    size = (triangle.shape[0], triangle.shape[1])
    with torch.no_grad():
        chosen, side = _outlines(points, edges, near)
    a, b = _in_front(points[edges.ends[chosen, 0]], points[edges.ends[chosen, 1]], near)
    parts = [_along(a, b, side, triangle, inverse, size, axis) for axis in (0, 1)]
    return Crossings(*(torch.cat([part[i] for part in parts]) for i in range(4)))


def _outlines(points: Tensor, edges: EdgeTable, near: float) -> tuple[Tensor, Tensor]:
    """Return the edges that may be outlines, and of each the line ``[E, 3]``, positive on the surface's side."""
    a, b = points[edges.ends[:, 0]].double(), points[edges.ends[:, 1]].double()
    line = torch.linalg.cross(a, b)
    p = points.double()
    first = (line * p[edges.opposite[:, 0]]).sum(-1)
    second = (line * p[edges.opposite[:, 1].clamp_min(0)]).sum(-1)
    alone = edges.opposite[:, 1] < 0
    seen = (a[:, 2] > near) | (b[:, 2] > near)
    chosen = (seen & (first != 0) & (alone | (first * second > 0))).nonzero()[:, 0]
    return chosen, line[chosen] * first[chosen].sign()[:, None]


def _in_front(a: Tensor, b: Tensor, near: float) -> tuple[Tensor, Tensor]:
    """Cut edges at the near plane; exact for the gradient, too, since points are linear along an edge."""
    step = b - a
    t = ((near - a[:, 2:]) / torch.where(step[:, 2:] == 0, 1, step[:, 2:])).clamp(0, 1)
    cut = a + t * step
    return torch.where(a[:, 2:] < near, cut, a), torch.where(b[:, 2:] < near, cut, b)


def _along(
    a: Tensor, b: Tensor, side: Tensor, triangle: Tensor, inverse: Tensor, size: tuple[int, int], axis: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return (amount, near, far, target) of the crossings along rows (axis 0) or columns (axis 1).

    "Line" is the row or column of a crossing, "place" how far along it the crossing lies.
    """
    place_a, place_b = a[:, axis] / a[:, 2], b[:, axis] / b[:, 2]
    line_a, line_b = a[:, 1 - axis] / a[:, 2], b[:, 1 - axis] / b[:, 2]
    with torch.no_grad():
        edge, line = _lines(line_a, line_b, size[axis])
        at = line + 0.5
        t = ((at - line_a[edge]) / (line_b - line_a)[edge]).double()
        place = place_a[edge] + t * (place_b - place_a)[edge]
        first = (place - 0.5).floor().long()
        inside = (first >= 0) & (first < size[1 - axis] - 1)
        edge, line, first, t = edge[inside], line[inside], first[inside], t[inside]
        step, stride = (1, size[1]) if axis == 0 else (size[1], 1)
        low = line * stride + first * step
        forward = side[edge, axis] < 0  # the surface lies towards smaller places: its pixel is the lower one
        near, far = torch.where(forward, low, low + step), torch.where(forward, low + step, low)
        depth = 1 / a[edge, 2] + t * (1 / b[edge, 2] - 1 / a[edge, 2])
        flat, behind = triangle.view(-1), inverse.view(-1)
        real = (flat[near] != flat[far]) & (flat[near] >= 0) & (depth > behind[far] * CLOSER)
        way = (place_a[edge] + t * (place_b - place_a)[edge]) - (first + 0.5)
        real &= _outermost(low, torch.where(forward, way, 1 - way), forward, real, flat.numel())
        edge, line, first, near, far, forward = (x[real] for x in (edge, line, first, near, far, forward))
    at = (line + 0.5).to(place_a)
    run, rise = (place_b - place_a)[edge], (line_b - line_a)[edge]
    place = place_a[edge] + (at - line_a[edge]) / rise * run
    way = place - (first + 0.5)
    t = torch.where(forward, way, 1 - way)
    weight = (rise.square() / (rise.square() + run.square())).detach()
    target = torch.where(t.detach() > 0.5, far, near)
    return weight * (t - 0.5), near, far, target


def _lines(line_a: Tensor, line_b: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """Return (edge, line) for every line center between the ends of an edge, half open: none counts twice."""
    low, high = torch.minimum(line_a, line_b), torch.maximum(line_a, line_b)
    first = (low - 0.5).ceil().clamp(0, limit).long()
    last = (high - 0.5).ceil().clamp(0, limit).long()
    count = (last - first).clamp_min(0)
    edge = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
    return edge, first[edge] + torch.arange(len(edge), device=count.device) - (count.cumsum(0) - count)[edge]


def _outermost(low: Tensor, way: Tensor, forward: Tensor, real: Tensor, count: int) -> Tensor:
    """Tell which crossings lie furthest from their near pixel, of all between one pair and from one side."""
    pair = low * 2 + forward.long()
    best = torch.full((2 * count,), -1.0, dtype=way.dtype, device=way.device)
    best.scatter_reduce_(0, pair[real], way[real], "amax")
    return way >= best[pair]
