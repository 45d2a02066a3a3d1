"""Gradient steps on a picture that lies on disk: tiles and strips in memory, everything else in files.

The same arithmetic as `reverie.optimize.ascend.ascend_pixels` with tiles. The one number that a step needs of the
whole picture, by which the gradient is normalized, is summed up while its tiles are written.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise
from threading import Lock

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.errors import GradientError, InputError
from reverie.media.store import Store
from reverie.objective import Objective
from reverie.optimize.allocator import give_back
from reverie.optimize.ascend import StepRule
from reverie.optimize.gradient import DEAD, Ascent
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.tiles import Tile

STRIP_ROWS = 64
TILES_BETWEEN = 4  # after which the allocator gives back what it keeps; doing so takes a fifth of a tile's time
ON_DISK = ("mean-abs", "std")  # normalizations that need sums only


@dataclass
class Sums:
    """What is summed over a gradient: magnitudes, values and weights, each weighted by the mask."""

    magnitude: float = 0.0
    value: float = 0.0
    weight: float = 0.0


@dataclass(frozen=True)
class DiskAscent:
    """What is raised, on a picture on disk.

    Attributes:
        ascent: objective, critic and transforms; its `base` is not used.
        images: the picture, read only.
        into: takes the gradient.
        mask: one channel, or none.
        base: the picture that the objective compares with, if it does.
    """

    ascent: Ascent
    images: Store
    into: Store
    mask: Store | None = None
    base: Store | None = None

    def gradient(self, generator: Generator, tiles: Sequence[Tile]) -> tuple[float, Sums]:
        """Write the gradient and return the score and the sums over the gradient.

        Where all of it is zero, the ReLU gradient is redirected and it is computed once more.

        Raises:
            GradientError: zero even so, or not a number.
        """
        shift = self.ascent.transforms.shift(generator)
        sums = Sums()
        for mode in (nullcontext, redirected_relu):
            with mode():
                score, sums = self._attempt(tiles, shift)
            if sums.magnitude != 0:
                break
        if not math.isfinite(sums.magnitude):
            raise GradientError("the gradient is not a number; try --precision fp32 or a smaller --step-size")
        if sums.magnitude == 0:
            raise GradientError(DEAD)
        return score, sums

    def _attempt(self, tiles: Sequence[Tile], shift: tuple[int, int]) -> tuple[float, Sums]:
        """Compute every tile that the mask touches; the gradient of the others is never read.

        The largest windows come first: what the allocator keeps of them is enough for all others. It is told to give
        back what it keeps every few tiles and before windows of another size, so that the peak of memory is that of a
        tile however many there are.
        """
        tiles = sorted(tiles, key=lambda tile: math.prod(_window_size(tile)), reverse=True)
        parts: dict[Tile, Sums] = {}
        lock, device = Lock(), self.ascent.critic.device
        wanted = [t for t in tiles if self.mask is None or _core(self.mask, t, shift).any()]
        turns = {n for n, (a, b) in enumerate(pairwise(wanted), 1) if _window_size(a) != _window_size(b)}

        def put(tile: Tile, found: Tensor) -> None:
            values = found[0].permute(1, 2, 0).cpu().numpy()
            weight = 1.0 if self.mask is None else _core(self.mask, tile, shift)
            count = values.size if self.mask is None else 3 * float(np.sum(weight, dtype=np.float64))
            magnitude, value = (float(np.sum(v * weight, dtype=np.float64)) for v in (np.abs(values), values))
            self.into.put_window(tile.top - shift[0], tile.left - shift[1], values)
            with lock:
                parts[tile] = Sums(magnitude, value, count)
                if len(parts) % TILES_BETWEEN == 0 or len(parts) in turns:
                    give_back()

        score = self.ascent.over_tiles(
            self.images.size, tiles, wanted, lambda tile: _window(self.images, tile, shift).to(device), put,
            lambda tile: _window(self._base(), tile, shift).to(device),
        )  # fmt: skip
        found = [parts[tile] for tile in wanted]  # in order, so that the last bits do not depend on who was quicker
        return score, Sums(*(sum(getattr(p, name) for p in found) for name in ("magnitude", "value", "weight")))

    def _base(self) -> Store:
        if self.base is None:
            raise InputError("this objective compares with the picture that a dream began with; there is none")
        return self.base

    def step(self, rule: StepRule, generator: Generator, tiles: Sequence[Tile]) -> tuple[float, float]:
        """Step the picture uphill; return score and seconds."""
        began = time.perf_counter()
        score, sums = self.gradient(generator, tiles)
        scale = self._scale(rule.normalization, sums)
        for top, bottom in strips(self.images.size[0]):
            change = torch.from_numpy(self.into.rows(top, bottom))
            change = change / scale[0] / scale[1]
            if self.mask is not None:
                weight = torch.from_numpy(self.mask.rows(top, bottom))
                change = torch.where(weight > 0, change * weight, 0.0)  # where nothing was computed, nothing is defined
            pixels = torch.from_numpy(self.images.rows(top, bottom)).add_(change, alpha=rule.size).clamp_(0, 1)
            self.images.put_rows(top, pixels.numpy())
        return score, time.perf_counter() - began

    def _scale(self, normalization: str, sums: Sums) -> tuple[float, float]:
        """Return two divisors, applied one after the other: squares of gradients as small as 1e-21 would vanish."""
        first = sums.magnitude / sums.weight
        if normalization == "mean-abs":
            return first, 1.0
        mean, total = sums.value / sums.weight / first, 0.0
        for top, bottom in strips(self.images.size[0]):
            values = self.into.rows(top, bottom).astype(np.float64) / first - mean
            if self.mask is None:
                total += float(np.square(values).sum())
            else:
                weight = self.mask.rows(top, bottom)
                total += float((np.square(np.where(weight > 0, values, 0)) * weight).sum())
        return first, math.sqrt(total / sums.weight) or 1.0


def balanced_on_disk(disk: DiskAscent, generator: Generator, tiles: Sequence[Tile]) -> Objective:
    """Return the objective with its terms scaled as `reverie.optimize.gradient.balanced` does."""
    terms = disk.ascent.objective.terms()
    if len(terms) == 1:
        return disk.ascent.objective
    state = generator.get_state()
    plain = replace(disk, mask=None)
    total: Objective | None = None
    for weight, term in terms:
        generator.set_state(state)
        try:
            _, sums = replace(plain, ascent=replace(disk.ascent, objective=term)).gradient(generator, tiles)
        except GradientError:
            scaled = weight
        else:
            scaled = weight * sums.weight / sums.magnitude
        total = scaled * term if total is None else total + scaled * term
    assert total is not None
    return total


def check_on_disk(normalization: str) -> None:
    """Raise `InputError` for a normalization that needs the whole gradient in memory."""
    if normalization not in ON_DISK:
        raise InputError(
            f"--normalize {normalization} needs the whole picture in memory, and this one is too large for it; "
            f"use {' or '.join(ON_DISK)}, a smaller --size, or more --max-memory"
        )


def strips(height: int) -> Iterator[tuple[int, int]]:
    """Yield (top, bottom) of strips that make up a picture."""
    for top in range(0, height, STRIP_ROWS):
        yield top, min(top + STRIP_ROWS, height)


def fill(store: Store, rows: Callable[[int, int], Tensor]) -> None:
    """Write a whole store strip by strip, from what gives ``[1, C, n, W]``."""
    for top, bottom in strips(store.size[0]):
        store.put_rows(top, rows(top, bottom)[0].permute(1, 2, 0).numpy())


def as_rows(store: Store) -> Callable[[int, int], Tensor]:
    """Return what gives rows of a store as ``[1, C, n, W]``."""
    return lambda top, bottom: torch.from_numpy(store.rows(top, bottom)).permute(2, 0, 1)[None]


def _window_size(tile: Tile) -> tuple[int, int]:
    return tile.window_bottom - tile.window_top, tile.window_right - tile.window_left


def _window(store: Store, tile: Tile, shift: tuple[int, int]) -> Tensor:
    height, width = _window_size(tile)
    values = store.window(tile.window_top - shift[0], tile.window_left - shift[1], height, width)
    return torch.from_numpy(values).permute(2, 0, 1)[None]


def _core(store: Store, tile: Tile, shift: tuple[int, int]) -> np.ndarray:
    height, width = tile.bottom - tile.top, tile.right - tile.left
    return store.window(tile.top - shift[0], tile.left - shift[1], height, width)
