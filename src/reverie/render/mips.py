"""A texture at halved resolutions, in which what lies outside the surface's islands does not leak in.

Each texel of a smaller level is the mean of those of the four below it that the surface uses. Around the islands of
every level, two texels are filled with the nearest color inside, so that smooth sampling at a border finds no foreign
color.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.numerics.machine_code import has_numba

BORDER = 2  # texels: bilinear sampling reaches one beyond the island, rounding one more


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution.

    Attributes:
        size: ``(h, w)``.
        weight: ``[1, 1, h, w]``, one over the fraction of the texels below that are used; 0 where none is.
        border, source: flat indices of texels to be filled, and where their color comes from.
    """

    size: tuple[int, int]
    weight: Tensor
    border: Tensor
    source: Tensor


@dataclass(frozen=True, eq=False)
class MipPlan:
    """What levels a texture of one layout has; made once from the texels that the surface uses.

    Attributes:
        covered: ``[1, 1, T, U]``, 1 where the surface uses a texel of the full resolution.
        levels: from the full resolution down.
    """

    covered: Tensor
    levels: tuple[Level, ...]

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of every level."""
        return tuple(level.size for level in self.levels)

    def texels(self, texture: Tensor) -> Tensor:
        """Return all levels of ``[1, C, T, U]`` as one list of texels ``[N, C]``, differentiable."""
        if texture.device.type == "cpu" and texture.dtype == torch.float32 and has_numba():
            from reverie.render.fused.pyramid import texels_of  # needs numba

            return texels_of(texture, self.covered, self.parts)
        return self.texels_torch(texture)

    @property
    def parts(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Weight, border and source of every level."""
        return [(level.weight, level.border, level.source) for level in self.levels]

    def texels_torch(self, texture: Tensor) -> Tensor:
        """The same from torch operations, on any device."""
        used = self.covered.to(texture)
        current, below = texture, used
        parts = [_filled(texture, self.levels[0])]
        for level in self.levels[1:]:
            current = F.avg_pool2d(current * below, 2) * level.weight.to(texture)
            below = (level.weight > 0).to(texture)
            parts.append(_filled(current, level))
        return torch.cat(parts)


def plan_mips(covered: Tensor, count: int) -> MipPlan:
    """Return the levels of a texture whose used texels are ``[T, U]`` true; at most `count`, sides of 4 and more."""
    used = covered[None, None].float()
    levels = [Level(tuple(covered.shape), torch.ones_like(used), *_border(covered))]  # type: ignore[arg-type]
    below = used
    while len(levels) < count and min(below.shape[-2:]) >= 8 and not any(side % 2 for side in below.shape[-2:]):
        mean = F.avg_pool2d(below, 2)
        below = (mean > 0).float()
        weight = torch.where(mean > 0, 1 / mean.clamp_min(1e-6), 0.0)
        levels.append(Level((mean.shape[-2], mean.shape[-1]), weight, *_border(below[0, 0] > 0)))
    return MipPlan(used, tuple(levels))


def _filled(images: Tensor, level: Level) -> Tensor:
    flat = images[0].flatten(1).T
    return flat.index_copy(0, level.border, flat[level.source])


def _border(covered: Tensor) -> tuple[Tensor, Tensor]:
    """Return flat indices of the texels within `BORDER` of the used ones, and of the nearest used one of each."""
    return fill_indices(covered, BORDER)


def fill_indices(covered: Tensor, reach: int | None = None) -> tuple[Tensor, Tensor]:
    """Return flat indices of unused texels within `reach` texels (None: all), and of the nearest used ones."""
    from scipy.ndimage import distance_transform_edt

    used = covered.cpu().numpy()
    if not used.any() or used.all():
        nothing = torch.zeros(0, dtype=torch.long, device=covered.device)
        return nothing, nothing
    distance, nearest = distance_transform_edt(~used, return_indices=True)  # type: ignore[misc]
    empty = ~used if reach is None else ~used & (distance < reach + 1)
    rows, columns = empty.nonzero()
    flat = nearest[0][rows, columns] * used.shape[1] + nearest[1][rows, columns]
    border = torch.from_numpy(rows * used.shape[1] + columns)
    return border.to(covered.device), torch.from_numpy(flat).long().to(covered.device)
