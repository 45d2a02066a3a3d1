"""A texture that is a block of color which the surface cuts through, so that no seam can show.

Colors stand at the points of cubic lattices in space, coarse ones for broad forms and fine ones for detail; a texel
takes the sum of what is at its place. Two texels of one place, on both sides of a seam, have one color, however
the surface was unfolded. Only lattice points beside the surface are stored.
Source: Peachey 1985, "Solid texturing of complex surfaces"; Perlin 1985. The sum over resolutions, and how they
weigh, are those of `reverie.canvas.stack`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reverie.canvas.stack import TILT
from reverie.numerics.color import correlation_matrix
from reverie.render.gather import gathered

RATIO = 2.0  # between two lattices
COARSEST = 4  # cells along the side of the cube from -1 to 1


@dataclass(frozen=True, eq=False)
class Lattices:
    """All resolutions in one table of M stored points, and for N texels which of them are around, and how near.

    Attributes:
        rows: ``[N, 8 L]`` int32, into the stored points.
        weights: ``[N, 8 L]``, trilinear, times the weight of the resolution; they sum to one.
        sites: ``[M]`` int64, ascending: a number of each stored point that no other has, whatever the texture.
    """

    rows: Tensor
    weights: Tensor
    sites: Tensor


class SolidCanvas(nn.Module):
    """A flat texture ``[1, 3, T, U]`` in [0, 1] whose texels take their colors from lattices in space.

    Args:
        positions: ``[T, U, 3]`` where each texel lies, in the cube from -1 to 1.
        covered: ``[T, U]`` true where the surface uses the texel.
        base: ``[1, 3, T, U]``, the texture to begin with; what the lattices hold is added to it.
        finest: cells along the side of the cube, of the finest lattice.
        matrix: ``[3, 3]`` from `reverie.numerics.color.correlation_matrix`.
    """

    def __init__(
        self, positions: Tensor, covered: Tensor, base: Tensor, finest: int = 256, matrix: Tensor | None = None
    ) -> None:
        super().__init__()
        self.size, self.finest = (covered.shape[0], covered.shape[1]), finest
        self.matrix = correlation_matrix() if matrix is None else matrix
        self._texels = covered.flatten().nonzero()[:, 0]
        self._base = base.detach().float()[0].flatten(1).T.contiguous()
        self.lattices = _lattices(positions.reshape(-1, 3)[self._texels].float(), finest)
        self.values = nn.Parameter(base.new_zeros(len(self.lattices.sites), 3))

    def forward(self, view: object | None = None) -> Tensor:
        change = gathered(self.values, self.lattices.rows, self.lattices.weights) @ self.matrix.T
        whole = self._base.index_add(0, self._texels, change)
        return bounded(whole.T.unflatten(1, self.size)[None])

    @torch.no_grad()
    def moved_to(self, positions: Tensor, covered: Tensor, base: Tensor) -> SolidCanvas:
        """Return the same block of color, cut by the same surface in a texture of another size."""
        other = SolidCanvas(positions, covered, base, self.finest, self.matrix)
        mine, theirs = self.lattices.sites, other.lattices.sites
        found = torch.searchsorted(mine, theirs).clamp_max(len(mine) - 1)
        other.values.copy_(torch.where((mine[found] == theirs)[:, None], self.values[found], 0))
        return other


class _Bounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        (x,), uphill = ctx.saved_tensors, slopes[0]
        return uphill.masked_fill(((x > 1) & (uphill > 0)) | ((x < 0) & (uphill < 0)), 0)


def bounded(images: Tensor) -> Tensor:
    """Return images clipped to [0, 1], with a gradient, of a score to be raised, wherever it leads back inside.

    A sigmoid would hold what is white or black nearly for ever, a plain clip for ever.
    """
    result: Tensor = _Bounded.apply(images)
    return result


def lattice_sizes(finest: int) -> list[int]:
    """Return the cells along the side of each lattice, coarse first, each `RATIO` times the one before."""
    sizes = [finest]
    while sizes[-1] / RATIO >= COARSEST:
        sizes.append(round(sizes[-1] / RATIO))
    return sizes[::-1]


def _lattices(places: Tensor, finest: int) -> Lattices:
    rows, weights, sites, count, before = [], [], [], 0, 0
    total = sum((finest / cells) ** TILT for cells in lattice_sizes(finest))
    for cells in lattice_sizes(finest):
        near, parts = _around(places, cells)
        own, index = torch.unique(near, return_inverse=True)
        rows.append(index + count)
        weights.append(parts * (finest / cells) ** TILT / total)
        sites.append(own + before)
        count, before = count + len(own), before + (cells + 1) ** 3
    return Lattices(torch.cat(rows, 1).int(), torch.cat(weights, 1), torch.cat(sites))


def _around(places: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Return number and trilinear weight ``[N, 8]`` of the lattice points around each place."""
    scaled = (places.clamp(-1, 1) + 1) / 2 * cells
    first = scaled.floor().clamp_max(cells - 1)
    part, first = scaled - first, first.long()
    steps = torch.tensor([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)], device=places.device)
    near = first[:, None] + steps
    parts = torch.where(steps[None] == 1, part[:, None], 1 - part[:, None]).prod(-1)
    return (near[..., 0] * (cells + 1) + near[..., 1]) * (cells + 1) + near[..., 2], parts
