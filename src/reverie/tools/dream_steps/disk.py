"""A dream of a picture too large for memory: a work like `reverie.tools.dream.work`, with files in place of arrays."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError, OutputError, PictureError
from reverie.jobs.output import losses
from reverie.media.store import Store, free_bytes
from reverie.media.strips import (
    JPEG_MAX_PX,
    STRIP_SUFFIXES,
    StoredPicture,
    check_strip_target,
    store_picture,
    write_strips,
)
from reverie.media.suffixes import DEEP
from reverie.numerics.strips import resized_rows
from reverie.optimize.ascend import Step
from reverie.optimize.byte_counts import format_bytes
from reverie.optimize.disk import as_rows, check_on_disk, fill, strips
from reverie.optimize.gradient import Ascent
from reverie.optimize.together import Together
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.mask_rule import BRIGHTNESS, doubt, resolved_rule
from reverie.tools.dream.references import GREY, References
from reverie.tools.dream.work import chosen, plan_of
from reverie.tools.dream_steps.ascent import Plan, final_size
from reverie.tools.dream_steps.disk_steps import DiskDreamer, DiskPicture

if TYPE_CHECKING:
    from reverie.jobs.job import Json


class DiskDream:
    """One dream whose picture lies on disk; a work as `reverie.tools.dream.work.DreamWork` is.

    Args:
        source: the picture file.
        config: the settings.
        critic: the open network.
        layout: made with the picture on disk.
        references: the other pictures but the mask, which goes on disk as well.
        ascent: what is raised.
        folder: where the files lie meanwhile; they vanish with the program, however it ends.

    Raises:
        InputError: settings that need the whole picture in memory.
        OutputError: too little room in `folder`.
    """

    def __init__(
        self, source: Path, config: DreamConfig, critic: Critic, layout: Plan, references: References,
        ascent: Ascent | Together, folder: Path | None = None,
    ) -> None:  # fmt: skip
        check_on_disk(config.normalize)
        if layout.canvas != "pixels":
            raise InputError("--canvas spectrum needs the whole picture in memory; use a smaller --size")
        check_room(layout, folder)
        self.config, self.critic, self.layout, self.folder = config, critic, layout, folder
        self.notes: list[str] = [layout.note]
        self.last: Step | None = None
        self._source = source
        self._steps: Generator[Step] | None = None
        if not isinstance(ascent, Ascent):
            raise InputError("--group needs the whole picture in memory; use a smaller --size")
        self.chosen = chosen(config, critic, layout, references)
        fitting = STRIP_SUFFIXES if max(layout.size) <= JPEG_MAX_PX else DEEP
        self.plan = plan_of(config, critic, layout, {"strength": ()}, fitting)
        self._dreamer = DiskDreamer(config, layout, ascent, folder)

    @functools.cached_property
    def picture(self) -> StoredPicture:
        """The picture as read; decoded on first use."""
        return store_picture(self._source, self.folder)

    def __iter__(self) -> Iterator[Step]:
        self._steps = self._steps or self._dreamer.steps(self._state)
        for step in self._steps:
            self.last = step
            yield step

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Change the strength from the next step on."""
        return self._dreamer.control(change)

    def outputs(self) -> Sequence[OnDisk]:
        """Return the picture as it is, at its final size; read strip by strip when it is written."""
        return [OnDisk(self)]

    def current(self) -> np.ndarray:
        """Return ``[H, W, 3]`` float32: all of it, for who has the memory after all."""
        return np.concatenate([self.rows(top, bottom) for top, bottom in strips(self.layout.size[0])])

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Return rows of the picture as it is, ``[bottom - top, W, 3]``."""
        return self._state.result(top, bottom)[0].permute(1, 2, 0).numpy()

    def close(self) -> None:
        """Give the space on disk back."""
        if self._steps is not None:
            self._steps.close()
            self._state.close()
        self.picture.close()

    # -- inside -----------------------------------------------------------------------------------------------

    @functools.cached_property
    def _state(self) -> DiskPicture:
        """Picture and mask at their final size."""
        rgb, size = self.picture.rgb, self.layout.size
        if final_size(rgb.size, self.config) != size:  # a header that does not say how the picture is turned
            raise PictureError(f"'{self.picture.name}' is not of the size that its header says; save it anew first")
        original = rgb if rgb.size == size else _resized(rgb, size, self.folder)
        where = self.config.masking
        mask = None if where is None else self._mask(Path(where[0]), inverted=where[1])
        return DiskPicture(original, mask, original, keep_colors=self.config.keeps_colors)

    def _mask(self, path: Path, *, inverted: bool) -> Store:
        picture = store_picture(path, self.folder)
        cut_out = picture.alpha is not None and _colored(picture)
        rule = resolved_rule(cut_out, self.config.mask_by)
        self.chosen = replace(self.chosen, config={**self.chosen.config, **rule})
        self.notes += doubt(cut_out, self.config.mask_by)
        by_opacity = cut_out and self.config.mask_by != BRIGHTNESS
        size, grey = picture.rgb.size, _grey(picture, inverted=inverted, by_opacity=by_opacity)
        mask = Store(self.layout.size, 1, self.folder)
        fill(mask, lambda top, bottom: resized_rows(grey, size, self.layout.size, top, bottom).clamp_(0, 1))
        if not any(mask.rows(top, bottom).any() for top, bottom in strips(self.layout.size[0])):
            raise PictureError(
                f"the mask '{picture.name}' is {'white' if inverted else 'black'} everywhere: nothing would change"
            )
        picture.close()
        if size != self.layout.size:
            wanted = self.layout.size
            self.notes.append(f"the mask is {size[1]} x {size[0]} px; resized to {wanted[1]} x {wanted[0]}")
        return mask


@dataclass(frozen=True, eq=False)
class OnDisk:
    """The result of a dream whose picture lies on disk."""

    work: DiskDream
    label: str = ""
    suffixes: tuple[str, ...] = STRIP_SUFFIXES

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it strip by strip.

        Raises:
            InputError: a format other than PNG, TIFF and JPEG.
            OutputError: it cannot be written; nothing is left behind.
        """
        picture, size = self.work.picture, self.work.layout.size
        alpha = picture.alpha
        check_strip_target(path, size)

        def produced() -> Iterator[np.ndarray]:
            for top, bottom in strips(size[0]):
                rows = self.work.rows(top, bottom)
                if alpha is not None:
                    layer = resized_rows(as_rows(alpha), alpha.size, size, top, bottom).clamp_(0, 1)
                    rows = np.concatenate([rows, layer[0].permute(1, 2, 0).numpy()], axis=2)
                yield rows

        suffix = path.suffix.lower()
        bits = picture.bits if suffix in DEEP else 8
        channels = 3 if alpha is None else 4
        write_strips(path, produced(), size, channels, settings=dict(record), bits=bits, quality=quality)
        return losses(suffix, transparent=alpha is not None, bits=picture.bits)

    def encoded(self, suffix: str, record: Mapping[str, Json], quality: int) -> bytes:
        """Return the bytes that `write` would write."""
        with tempfile.TemporaryDirectory(dir=self.work.folder) as folder:
            path = Path(folder) / f"picture{suffix}"
            self.write(path, record, quality)
            return path.read_bytes()


def check_room(plan: Plan, folder: Path | None) -> None:
    """Raise `OutputError` if the picture does not fit on disk while it is worked on."""
    free = free_bytes(folder)
    if free < plan.memory.disk_bytes:
        needed, place = format_bytes(plan.memory.disk_bytes), folder or tempfile.gettempdir()
        raise OutputError(
            f"{plan.size[1]} x {plan.size[0]} px with little memory need {needed} in '{place}' meanwhile, which has "
            f"{format_bytes(free)} left; use another -o, or a smaller --size"
        )


def _resized(store: Store, size: tuple[int, int], folder: Path | None) -> Store:
    result = Store(size, store.channels, folder)
    fill(result, lambda top, bottom: resized_rows(as_rows(store), store.size, size, top, bottom).clamp_(0, 1))
    return result


def _grey(picture: StoredPicture, *, inverted: bool, by_opacity: bool) -> Any:
    def rows(top: int, bottom: int) -> Tensor:
        grey = as_rows(picture.rgb)(top, bottom).mean(dim=1, keepdim=True)
        grey = torch.ones_like(grey) if by_opacity else grey
        found = grey if picture.alpha is None else grey * as_rows(picture.alpha)(top, bottom)
        return 1 - found if inverted else found

    return rows


def _colored(picture: StoredPicture) -> bool:
    """Tell whether what is opaque of a picture has colors, as a cut-out has and a grey mask has not."""
    for top, bottom in strips(picture.rgb.size[0]):
        rgb = as_rows(picture.rgb)(top, bottom)
        shown = 1.0 if picture.alpha is None else as_rows(picture.alpha)(top, bottom) > 0
        if float(((rgb.amax(dim=1, keepdim=True) - rgb.amin(dim=1, keepdim=True)) * shown).max()) > GREY:
            return True
    return False
