"""A network with norms over the whole picture, run tile by tile: statistics first, norm after norm, then the result.

Every piece is run up to the first norm whose statistics are not known yet, and adds its positions to them; when all
have, the next norm is reached. So tiles agree with the whole picture to rounding, at any size.
Source: Wang et al. 2022, arXiv 2103.11784 (URST): statistics shared by all tiles. Differs: theirs are those of a
thumbnail, and approximate; these are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.models.adaptive import EPSILON
from reverie.models.student import Seen, Spread
from reverie.numerics.spread_sums import SpreadSums
from reverie.optimize.tiles import Tile, plan_tiles


class _Reached(Exception):  # noqa: N818 - a signal, not an error
    """Raised at the norm whose statistics are being added up: what is behind it would be wasted."""


@dataclass(frozen=True, eq=False)
class Stage:
    """A part of a network that is run in tiles.

    Attributes:
        run: the part, given a window and where statistics come from.
        norms: their numbers, in order of execution.
        halo: positions of the input that a tile sees around itself.
        align: its stride, in positions of the input.
        growth: size of the output relative to the input, as (numerator, denominator).
        channels: of the output.
    """

    run: Callable[[Tensor, Seen], Tensor]
    norms: Sequence[int]
    halo: int
    align: int
    growth: tuple[int, int]
    channels: int


def run_stage(stage: Stage, source: Tensor, tile: int) -> Tensor:
    """Return the output of a stage for the whole of `source` ``[1, C, H, W]``, worked in tiles of `tile` positions."""
    up, down = stage.growth
    out = source.new_empty(1, stage.channels, source.shape[2] * up // down, source.shape[3] * up // down)
    for _ in running_stage(stage, source, tile, out):
        pass
    return out


def running_stage(stage: Stage, source: Tensor, tile: int, out: Tensor) -> Iterator[tuple[int, int]]:
    """Fill `out` with the output of a stage, as `run_stage`, yielding (done, total) passes over a tile.

    `out` may be a little smaller than the stage's output, which is cut then, and lie on another device.
    """
    tiles = plan_tiles((source.shape[2], source.shape[3]), tile, stage.halo, stage.align)
    known: dict[int, Spread] = {}
    total, done = len(tiles) * (len(stage.norms) + 1), 0
    for number in stage.norms:
        sums = SpreadSums()
        for tile_ in tiles:
            _add_statistics(stage, source, tile_, number, known, sums)
            done += 1
            yield done, total
        known[number] = sums.spread(EPSILON)
    up, down = stage.growth
    for tile_ in tiles:
        with torch.no_grad():
            made = stage.run(_window(source, tile_), lambda number, _x: known[number])
        rows, columns = tile_.core_in_window
        place = out[
            ...,
            tile_.top * up // down : tile_.bottom * up // down,
            tile_.left * up // down : tile_.right * up // down,
        ]
        core = made[..., _scaled(rows, up, down), _scaled(columns, up, down)]
        place.copy_(core[..., : place.shape[2], : place.shape[3]])
        done += 1
        yield done, total


@torch.no_grad()
def _add_statistics(
    stage: Stage, source: Tensor, tile: Tile, wanted: int, known: dict[int, Spread], sums: SpreadSums
) -> None:
    """Add the positions of one tile to the statistics of a norm."""
    window = _window(source, tile)

    def seen(number: int, x: Tensor) -> Spread:
        if number in known:
            return known[number]
        assert number == wanted
        sums.add(core_of(x, tile, window))
        raise _Reached

    with suppress(_Reached):
        stage.run(window, seen)


def core_of(x: Tensor, tile: Tile, window: Tensor) -> Tensor:
    """Return the positions of the features of a window that lie in the tile's core."""
    rows, columns = tile.core_in_window
    height, width = x.shape[-2], x.shape[-1]
    return x[..., _scaled(rows, height, window.shape[-2]), _scaled(columns, width, window.shape[-1])]


def _window(source: Tensor, tile: Tile) -> Tensor:
    return source[..., tile.window_top : tile.window_bottom, tile.window_left : tile.window_right]


def _scaled(span: slice, up: int, down: int) -> slice:
    return slice(span.start * up // down, span.stop * up // down)
