"""The steps of a dream whose picture lies on disk: octaves as in `dream_steps.ascent`, strip by strip."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.media.store import Store
from reverie.numerics.color import with_chroma_of
from reverie.numerics.strips import resized_rows
from reverie.objective import Objective
from reverie.optimize.ascend import Step, StepRule
from reverie.optimize.disk import DiskAscent, as_rows, balanced_on_disk, fill
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import one_tile
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_steps.steered import checked_strength

if TYPE_CHECKING:
    from reverie.jobs.job import Json
    from reverie.tools.dream_steps.ascent import Plan

PREVIEW_PX = 512
Rows = Callable[[int, int], Tensor]


@dataclass
class DiskPicture:
    """Where a dream on disk stands.

    Attributes:
        original: the picture at its final size.
        mask: at its final size, or none.
        source: what this iteration began with; the original in the first.
        canvas: what changes, at the size of the octave.
        octave: that size.
        keep_colors: whether the result has the hues of the original.
    """

    original: Store
    mask: Store | None
    source: Store
    canvas: Store | None = None
    octave: tuple[int, int] = (0, 0)
    keep_colors: bool = False

    def base(self, top: int, bottom: int) -> Tensor:
        """Return rows of the source at the size of the octave."""
        return resized_rows(as_rows(self.source), self.source.size, self.octave, top, bottom).clamp_(0, 1)

    def detail(self, top: int, bottom: int) -> Tensor:
        """Return rows of what was dreamt in this octave."""
        assert self.canvas is not None
        return as_rows(self.canvas)(top, bottom) - self.base(top, bottom)

    def result(self, top: int, bottom: int) -> Tensor:
        """Return rows of the picture at its final size, as it would be if the dream ended here."""
        size = self.original.size
        if self.canvas is None:
            rows = as_rows(self.source)(top, bottom)
        elif self.octave == size:
            rows = as_rows(self.canvas)(top, bottom)
        else:
            rows = resized_rows(self.detail, self.octave, size, top, bottom)
            rows = rows.add_(as_rows(self.source)(top, bottom)).clamp_(0, 1)
        original = as_rows(self.original)(top, bottom)
        if self.mask is not None:
            rows = torch.lerp(original, rows, as_rows(self.mask)(top, bottom))
        return with_chroma_of(rows, original) if self.keep_colors else rows

    def close(self) -> None:
        """Give the space back."""
        for store in (self.canvas, self.source, self.mask, self.original):
            if store is not None:
                store.close()


@dataclass
class DiskDreamer:
    """The loop: what is raised, in what plan, and where its files lie."""

    config: DreamConfig
    plan: Plan
    ascent: Ascent
    folder: Path | None
    strength: float = 1.0
    count: int = 0
    objective: Objective | None = None

    def steps(self, state: DiskPicture) -> Generator[Step]:
        """Dream in place and yield a `Step` per iteration; its images are a preview of at most `PREVIEW_PX`."""
        generator, octaves = torch.Generator().manual_seed(self.config.seed), len(self.plan.sizes)
        if self.config.steps == 0:
            yield Step(0, 0, octaves, octaves, 0.0, self.plan.size, 0.0, preview(state))
            return
        for _ in range(self.config.iterations):
            for octave, size in enumerate(self.plan.sizes, start=1):
                yield from self._octave(state, octave, size, generator)
            _take_over(state)

    def _octave(
        self, state: DiskPicture, octave: int, size: tuple[int, int], generator: torch.Generator
    ) -> Iterator[Step]:
        octaves, tiles = len(self.plan.sizes), self.plan.tiles(size) or one_tile(size)
        with ExitStack() as open_stores:
            part = _mask_at(state, size, self.folder, open_stores)
            _enter(state, size, self.folder, part)
            assert state.canvas is not None
            gradient = open_stores.enter_context(Store(size, 3, self.folder))
            base = None
            if self.ascent.objective.base_layers:
                base = open_stores.enter_context(_filled(size, state.base, self.folder))
            disk = DiskAscent(self.ascent, state.canvas, gradient, part, base)
            for number in range(1, self.config.steps + 1):
                if self.objective is None:
                    self.objective = balanced_on_disk(disk, generator, tiles)
                rule = StepRule(self.config.pace * self.strength, self.config.normalize)
                ready = replace(disk, ascent=replace(self.ascent, objective=self.objective))
                score, seconds = ready.step(rule, generator, tiles)
                self.count += 1
                if self.config.blend and octave == octaves and number == self.config.steps:
                    _mix_back(state, self.config.blend)
                yield Step(self.count, self.plan.steps, octave, octaves, score, size, seconds, preview(state))

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Change the strength from the next step on; the layer stays as it is."""
        if "strength" not in change:
            raise InputError("a picture that lies on disk keeps its layer")
        self.strength = checked_strength(change["strength"])
        return {"strength": self.strength}


def _enter(state: DiskPicture, size: tuple[int, int], folder: Path | None, part: Store | None) -> None:
    """Begin an octave: the source at this size with the detail of the octave before, which ends."""
    if state.canvas is None:
        state.octave = size
        state.canvas = _filled(size, state.base, folder)
        return
    old, before = state.octave, state.canvas
    with _filled(old, state.detail, folder) as detail:
        before.close()
        state.octave = size

        def rows(top: int, bottom: int) -> Tensor:
            enlarged = resized_rows(as_rows(detail), old, size, top, bottom)
            if part is not None:
                enlarged = enlarged * (as_rows(part)(top, bottom) > 0)
            return enlarged.add_(state.base(top, bottom)).clamp_(0, 1)

        state.canvas = _filled(size, rows, folder)


def _filled(size: tuple[int, int], rows: Rows, folder: Path | None, channels: int = 3) -> Store:
    store = Store(size, channels, folder)
    try:
        fill(store, rows)
    except BaseException:  # Ctrl-C included: it would stay open
        store.close()
        raise
    return store


def _mask_at(state: DiskPicture, size: tuple[int, int], folder: Path | None, open_stores: ExitStack) -> Store | None:
    mask = state.mask
    if mask is None or mask.size == size:
        return mask
    part = _filled(size, lambda a, b: resized_rows(as_rows(mask), mask.size, size, a, b).clamp_(0, 1), folder, 1)
    return open_stores.enter_context(part)


def _mix_back(state: DiskPicture, share: float) -> None:
    canvas, original = state.canvas, state.original
    assert canvas is not None
    fill(canvas, lambda top, bottom: torch.lerp(as_rows(canvas)(top, bottom), as_rows(original)(top, bottom), share))


def _take_over(state: DiskPicture) -> None:
    """End an iteration: its result is the source of the next."""
    if state.source is not state.original:
        state.source.close()
    assert state.canvas is not None
    state.source, state.canvas = state.canvas, None


def preview(state: DiskPicture) -> Tensor:
    """Return the picture as it is now, by every n-th pixel, ``[1, 3, h, w]``."""
    store = state.source if state.canvas is None else state.canvas
    step = -(-max(store.size) // PREVIEW_PX)
    rows = [torch.from_numpy(store.rows(y, y + 1)[:, ::step]) for y in range(0, store.size[0], step)]
    return torch.cat(rows).permute(2, 0, 1)[None]
