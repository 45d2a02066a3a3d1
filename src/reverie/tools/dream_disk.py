"""A dream of a picture too large for memory; used like `reverie.api.Dream`, with files in place of arrays."""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError, OutputError, PictureError
from reverie.media.store import Store, free_bytes
from reverie.media.strips import StoredPicture, check_strip_target, store_picture, write_strips
from reverie.media.write import DEEP_SUFFIXES, check_writable
from reverie.numerics.strips import resized_rows
from reverie.optimize.ascend import Step
from reverie.optimize.byte_counts import format_bytes
from reverie.optimize.disk import as_rows, check_on_disk, fill, strips
from reverie.optimize.gradient import Ascent
from reverie.tools.disk_steps import DiskDreamer, DiskPicture
from reverie.tools.dream import Plan, final_size
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_objective import build_ascent
from reverie.tools.dream_record import dream_record
from reverie.tools.finished import sha256_of
from reverie.tools.references import NAMED, read_references
from reverie.tools.steering import Steering


class DiskDream:
    """One dream whose picture lies on disk: an iterator of `Step`s whose result can be saved.

    Args:
        source: the picture file.
        config: the settings.
        critic: the open network.
        plan: made with the picture on disk.
        folder: where the files lie meanwhile; they vanish with the program, however it ends.
        steering: pauses, stops and changes the strength.

    Raises:
        InputError: settings that need the whole picture in memory.
        PictureError: as of `reverie.media.strips.store_picture`.
        OutputError: too little room in `folder`.
    """

    doing, size_word = "dreaming", "octave"

    def __init__(
        self, source: Path, config: DreamConfig, critic: Critic, plan: Plan, folder: Path | None = None,
        steering: Steering | None = None,
    ) -> None:  # fmt: skip
        check_on_disk(config.normalize)
        if plan.canvas != "pixels":
            raise InputError("--canvas spectrum needs the whole picture in memory; use a smaller --size")
        check_room(plan, folder)
        self.config, self.critic, self.plan, self.folder = config, critic, plan, folder
        self.steering = steering or Steering()
        self.notes = [plan.note]
        self.last: Step | None = None
        self.seconds = 0.0
        self._source = source
        self._names: dict[str, Any] = {}
        self._steps: Generator[Step] | None = None
        self.references = read_references(replace(config, mask=None), source.name)  # the mask goes on disk as well
        ascent = build_ascent(config, critic, self.references)
        if not isinstance(ascent, Ascent):
            raise InputError("--group needs the whole picture in memory; use a smaller --size")
        self._dreamer = DiskDreamer(config, plan, ascent, folder, self.steering)

    @functools.cached_property
    def picture(self) -> StoredPicture:
        """The picture as read; decoded on first use."""
        return store_picture(self._source, self.folder)

    def __iter__(self) -> Iterator[Step]:
        self._steps = self._steps or self._dreamer.steps(self._state)
        while True:
            began = time.perf_counter()
            step = next(self._steps, None)
            self.seconds += time.perf_counter() - began
            if step is None:
                return
            self.last = step
            yield step

    def check_target(self, path: str | Path) -> None:
        """Check before hours of work that the result can be written there.

        Raises:
            InputError: a format other than PNG, TIFF and JPEG.
            OutputError: no folder, no permission, or a size that the format cannot hold.
        """
        check_strip_target(Path(path), self.plan.size)
        check_writable(path)

    def save(self, path: str | Path, *, quality: int = 92) -> Path:
        """Run to the end, or to where steering stops it, and write the picture; returns the path.

        Raises:
            InputError: a format other than PNG, TIFF and JPEG.
            OutputError: it cannot be written; nothing is left behind.
        """
        self.check_target(path)
        for _ in self:
            pass
        if self.stopped:
            return self.keep(path, quality=quality)
        self._write(Path(path), quality, {})
        return Path(path)

    def keep(self, path: str | Path, *, quality: int = 92) -> Path:
        """Write the picture as it is now, at its final size and marked as unfinished; returns the path."""
        self._write(Path(path), quality, {"stopped_at_step": self.last.index if self.last is not None else 0})
        return Path(path)

    def encoded(self, suffix: str, *, quality: int = 92) -> bytes:
        """Run to the end and return the bytes that `save` would write to a file with this suffix."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            return self.save(Path(folder) / f"picture{suffix}", quality=quality).read_bytes()

    def array(self) -> np.ndarray:
        """Run to the end and return ``[H, W, 3]`` float32: all of it, for who has the memory after all."""
        for _ in self:
            pass
        return np.concatenate([self._rows(top, bottom) for top, bottom in strips(self.plan.size[0])])

    @property
    def stopped(self) -> bool:
        """Whether steering ended the dream before its last step."""
        return self.steering.stopped and (self.last is None or self.last.index < self.last.total)

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same bytes again; no absolute paths."""
        height, width = self.picture.rgb.size
        about = {"name": self._names.get("input") or self.picture.name, "sha256": self.picture.sha256,
                 "width": width, "height": height}  # fmt: skip
        record = dream_record(self.config, self.critic, self.plan, about, self.references)
        files = self.references.files | ({"mask": self._mask_record} if self.config.mask else {})
        record |= {"files": self._names.get("files", files)} if files else {}
        record["config"] |= self._names.get("config", {})
        record["model"]["name"] = self._names.get("model") or record["model"]["name"]
        return record | ({"steering": self.steering.changes} if self.steering.changes else {})

    def call_as(self, record: dict[str, Any]) -> None:
        """Store files under the names of an earlier record; for a replay with renamed files of equal hashes."""
        config = {name: record["config"].get(name) for name in NAMED}
        about = record.get("input") or {}
        self._names = {"config": config, "input": about.get("name"), "model": record["model"]["name"]}
        self._names |= {"files": record["files"]} if "files" in record else {}

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
        rgb, size = self.picture.rgb, self.plan.size
        if final_size(rgb.size, self.config) != size:  # a header that does not say how the picture is turned
            raise PictureError(f"'{self.picture.name}' is not of the size that its header says; save it anew first")
        original = rgb if rgb.size == size else _resized(rgb, size, self.folder)
        mask = None if self.config.mask is None else self._mask(Path(self.config.mask))
        return DiskPicture(original, mask, original, keep_colors=self.config.keep_colors)

    @property
    def _mask_record(self) -> dict[str, str]:
        path = Path(self.config.mask or "")
        return {"name": path.name, "sha256": sha256_of(path)}

    def _mask(self, path: Path) -> Store:
        picture = store_picture(path, self.folder)
        size, grey = picture.rgb.size, _grey(picture)
        mask = Store(self.plan.size, 1, self.folder)
        fill(mask, lambda top, bottom: resized_rows(grey, size, self.plan.size, top, bottom).clamp_(0, 1))
        if not any(mask.rows(top, bottom).any() for top, bottom in strips(self.plan.size[0])):
            raise PictureError(f"the mask '{picture.name}' is black everywhere: nothing would change")
        picture.close()
        if size != self.plan.size:
            wanted = self.plan.size
            self.notes.append(f"the mask is {size[1]} x {size[0]} px; resized to {wanted[1]} x {wanted[0]}")
        return mask

    def _rows(self, top: int, bottom: int) -> np.ndarray:
        return self._state.result(top, bottom)[0].permute(1, 2, 0).numpy()

    def _write(self, path: Path, quality: int, extra: dict[str, Any]) -> None:
        alpha, size = self.picture.alpha, self.plan.size

        def produced() -> Iterator[np.ndarray]:
            for top, bottom in strips(size[0]):
                rows = self._rows(top, bottom)
                if alpha is not None:
                    layer = resized_rows(as_rows(alpha), alpha.size, size, top, bottom).clamp_(0, 1)
                    rows = np.concatenate([rows, layer[0].permute(1, 2, 0).numpy()], axis=2)
                yield rows

        bits = self.picture.bits if path.suffix.lower() in DEEP_SUFFIXES else 8
        settings = self.settings() | {"quality": quality} | extra
        channels = 3 if alpha is None else 4
        write_strips(path, produced(), size, channels, settings=settings, bits=bits, quality=quality)


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


def _grey(picture: StoredPicture) -> Any:
    def rows(top: int, bottom: int) -> Tensor:
        grey = as_rows(picture.rgb)(top, bottom).mean(dim=1, keepdim=True)
        return grey if picture.alpha is None else grey * as_rows(picture.alpha)(top, bottom)

    return rows
