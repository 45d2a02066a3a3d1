"""Raise several things in one picture, each inside a mask of its own, in one common step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from reverie.errors import GradientError
from reverie.numerics.gradient import Normalize
from reverie.numerics.resample import resize
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import Tile


@dataclass(frozen=True, eq=False)
class Part:
    """What is raised in one region, and how strongly; `mask` ``[1, 1, H, W]`` in [0, 1], none for everywhere."""

    ascent: Ascent
    mask: Tensor | None = None
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class Together:
    """Several parts whose steps are added.

    Each gradient is normalized inside its own mask, so that a strength means the same in all of them. Where soft masks
    overlap by more than one, their shares are scaled back to one. All parts look at the same random view.
    """

    parts: tuple[Part, ...]

    @property
    def layers(self) -> frozenset[str]:
        return frozenset().union(*(part.ascent.layers for part in self.parts))

    @property
    def device(self) -> torch.device:
        return self.parts[0].ascent.device

    @property
    def local(self) -> bool:
        return all(part.ascent.local for part in self.parts)

    def check_tiling(self) -> None:
        """Raise `InputError` if a part cannot be tiled."""
        for part in self.parts:
            part.ascent.check_tiling()

    def on(self, base: Tensor) -> Together:
        """Return the same for an octave whose base picture is ``[1, 3, H, W]``: masks take on its size."""
        size = (base.shape[-2], base.shape[-1])
        return Together(
            tuple(
                Part(p.ascent.on(base), None if p.mask is None else resize(p.mask, size).clamp(0, 1), p.strength)
                for p in self.parts
            )
        )

    def balanced(
        self, images: Tensor, generator: Generator, tiles: Sequence[Tile] = (), base: Tensor | None = None
    ) -> Together:
        """Return the same with the terms of each part balanced at these images, which began as `base`."""
        state = generator.get_state()
        found = []
        for part in self.parts:
            generator.set_state(state)
            found.append(replace(part, ascent=part.ascent.balanced(images, generator, tiles, base)))
        return Together(tuple(found))

    def cover(self, size: tuple[int, int]) -> Tensor | None:
        """Return ``[1, 1, *size]``, what the masks cover together, at most one; none if that is everything."""
        total: Tensor | None = None
        for part in self.parts:
            if part.mask is None:
                return None
            mask = resize(part.mask, size).clamp(0, 1)
            total = mask if total is None else total + mask
        return None if total is None else total.clamp(max=1)

    def direction(
        self, images: Tensor, generator: Generator, tiles: Sequence[Tile], mask: Tensor | None, normalize: Normalize
    ) -> tuple[float, Tensor]:
        """Return the summed score and the blended, normalized gradient."""
        state = generator.get_state()
        step, score = torch.zeros_like(images), 0.0
        crowd = self._crowd(images)
        for number, part in enumerate(self.parts, start=1):
            inside = part.mask if mask is None or part.mask is None else part.mask * mask
            inside = mask if inside is None else inside
            if inside is not None and not inside.any():
                continue  # too small a region to be seen at this size
            generator.set_state(state)
            try:
                found, one = part.ascent.direction(images, generator, tiles, inside, normalize)
            except GradientError as error:
                raise GradientError(f"group {number}: {error}") from error
            score += part.strength * found
            step += part.strength * one / crowd
        return score, step

    def _crowd(self, images: Tensor) -> Tensor:
        """Return by how much more than one the masks overlap at each pixel."""
        total = torch.zeros_like(images[:1, :1])
        for part in self.parts:
            total += 1 if part.mask is None else part.mask
        return total.clamp_(min=1)
