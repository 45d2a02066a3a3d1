"""The Python interface: `dream` with pictures by path, PIL image or array, for scripts and notebooks.

from reverie import dream, DreamConfig

dream("valley.jpg").pil()
for step in dream("valley.jpg", DreamConfig(layer=("mixed5a",), octaves=5)):
    print(step.index, step.score)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError, PictureError
from reverie.media.given import as_picture
from reverie.media.strips import upright_size
from reverie.media.write import DEEP_SUFFIXES, check_writable, encode_picture, write_picture
from reverie.numerics.color import with_chroma_of
from reverie.numerics.resample import resize
from reverie.optimize.ascend import Step
from reverie.optimize.disk import ON_DISK
from reverie.settings import check_settings, with_tuples
from reverie.tools.compare import Comparison, compare_pictures
from reverie.tools.compare_config import CompareConfig
from reverie.tools.dream import Plan, dream_steps, final_size, plan_dream
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_disk import DiskDream
from reverie.tools.dream_objective import build_ascent
from reverie.tools.dream_record import dream_record
from reverie.tools.dream_rules import check_together
from reverie.tools.references import NAMED, fitted_masks, read_references
from reverie.tools.steering import Steering
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.rules import ANY_STYLE
from reverie.tools.style.sources import read_styles
from reverie.tools.style.styling import Styling

if TYPE_CHECKING:
    from PIL import Image


class Dream:
    """One dream: an iterator of `Step`s whose result can be had as array, PIL image or file.

    Iterate to watch, or call `pil`, `array` or `save`, which run whatever is left.

    Attributes:
        config: the settings as given.
        critic: the open network.
        plan: sizes, steps and tiles, decided before the first step.
        last: the latest step, once there is one.
        steering: changes strength and layer, pauses and stops while it runs, from any thread.
        notes: what a user should know, such as a mask that was resized.
    """

    def __init__(
        self, source: Any, config: DreamConfig, critic: Critic | None = None, plan: Plan | None = None,
        steering: Steering | None = None,
    ) -> None:  # fmt: skip
        config = with_tuples(config)
        check_settings(config)
        self.steering = steering or Steering()
        self.config, self.notes = config, []
        self.picture = None if source is None else as_picture(source)
        check_together(config, has_picture=self.picture is not None)
        self.references = read_references(config, self.picture.name if self.picture is not None else "")
        self.critic = critic or open_critic(
            config.model, config.weights, device=config.device, precision=config.precision
        )
        self._ascent = build_ascent(config, self.critic, self.references)
        size = None if self.picture is None else self.picture.rgb.shape[:2]
        self.plan: Plan = plan or plan_dream(size, config, self.critic, self._ascent)
        if config.max_memory is not None:
            self.notes.append(self.plan.note)
        self._mask, resized = fitted_masks(self.references, self.plan.size)
        self.notes += resized
        self._steps: Iterator[Step] | None = None
        self._names: dict[str, Any] = {}
        self.last: Step | None = None
        self.seconds = 0.0

    doing, size_word = "dreaming", "octave"

    def __iter__(self) -> Iterator[Step]:
        steps = self._started()
        while True:
            began = time.perf_counter()
            step = next(steps, None)
            self.seconds += time.perf_counter() - began
            if step is None:
                return
            self.last = step
            yield step

    def array(self, *, progress: bool = False) -> np.ndarray:
        """Run to the end and return ``[H, W, 3]`` float32 in [0, 1]."""
        for step in self:
            if progress:
                _show(step)
        if progress:
            print()
        return self.current()

    def pil(self, *, progress: bool = True) -> Image.Image:
        """Run to the end, showing progress, and return a PIL image (with alpha if the source has it)."""
        from PIL import Image

        from reverie.media.image import to_uint8

        pixels = to_uint8(self.array(progress=progress))
        alpha = self._alpha(pixels.shape[:2])
        if alpha is not None:
            pixels = np.dstack([pixels, to_uint8(alpha)])
        return Image.fromarray(pixels)

    def save(self, path: str | Path, *, quality: int = 92, progress: bool = False) -> Path:
        """Run to the end, or to where steering stops it, and write the picture with its settings; returns the path.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        self.check_target(path)
        rgb = self.array(progress=progress)
        if self.stopped:
            return self.keep(path, quality=quality)
        self._write(path, rgb, quality, {})
        return Path(path)

    def check_target(self, path: str | Path) -> None:
        """Check before hours of work that the result can be written there.

        Raises:
            InputError: an unknown format, or one that cannot hold the settings.
            OutputError: no folder, or no permission.
        """
        check_writable(path, self.settings())

    def keep(self, path: str | Path, *, quality: int = 92) -> Path:
        """Write the picture as it is now, at its final size and marked as unfinished; returns the path."""
        stopped = self.last.index if self.last is not None else 0
        self._write(path, self.current(), quality, {"stopped_at_step": stopped})
        return Path(path)

    @property
    def stopped(self) -> bool:
        """Whether steering ended the dream before its last step."""
        return self.steering.stopped and (self.last is None or self.last.index < self.last.total)

    def current(self) -> np.ndarray:
        """Return the picture as it is now, ``[H, W, 3]`` float32 in [0, 1], blended with the original by the mask.

        Always at its final size: before the last octave, the detail dreamt so far is enlarged and laid on the original.
        """
        if self.last is None:
            raise InputError("the dream has not begun; iterate over it first")
        images = self.last.whole().clamp(0, 1)  # Ctrl-C may have come between a step and its clipping
        original = self._source_tensor()
        if self._mask is not None and original is not None:
            images = torch.lerp(original, images.cpu(), self._mask)
        if self.config.keep_colors and original is not None and images.shape[-2:] == original.shape[-2:]:
            images = with_chroma_of(images.cpu(), original)
        return images[0].float().permute(1, 2, 0).cpu().numpy()

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same bytes again; no absolute paths."""
        source = None
        if self.picture is not None:
            height, width = self.picture.rgb.shape[:2]
            name = self._names.get("input") or self.picture.name
            source = {"name": name, "sha256": self.picture.sha256, "width": width, "height": height}
        record = dream_record(self.config, self.critic, self.plan, source, self.references)
        record |= {name: value for name, value in self._names.items() if name == "files"}
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
        """Give nothing back: a picture in memory goes with its dream. See `DiskDream`."""

    def encoded(self, suffix: str, *, quality: int = 92) -> bytes:
        """Run to the end and return the bytes that `save` would write to a file with this suffix."""
        rgb = self.array()
        return encode_picture(f"picture{suffix}", rgb, **self._options(rgb, suffix, quality, {}))

    def _write(self, path: str | Path, rgb: np.ndarray, quality: int, extra: dict[str, Any]) -> None:
        write_picture(path, rgb, **self._options(rgb, Path(path).suffix, quality, extra))

    def _options(self, rgb: np.ndarray, suffix: str, quality: int, extra: dict[str, Any]) -> dict[str, Any]:
        bits = self.picture.bits if self.picture is not None and suffix.lower() in DEEP_SUFFIXES else 8
        settings = self.settings() | {"quality": quality} | extra
        return {"alpha": self._alpha(rgb.shape[:2]), "settings": settings, "bits": bits, "quality": quality}

    # -- inside -----------------------------------------------------------------------------------------------

    def _started(self) -> Iterator[Step]:
        if self._steps is None:
            self._steps = dream_steps(
                self._source_tensor(), self.config, critic=self.critic, mask=self._mask, plan=self.plan,
                steering=self.steering, ascent=self._ascent,
            )  # fmt: skip
        return self._steps

    def _source_tensor(self) -> Tensor | None:
        """The source at its final size, ``[1, 3, H, W]``; made anew each time, since large pictures need the memory."""
        if self.picture is None:
            return None
        image = torch.from_numpy(self.picture.rgb).permute(2, 0, 1)[None]
        size = final_size((image.shape[-2], image.shape[-1]), self.config)
        return resize(image, size).clamp(0, 1) if size != tuple(image.shape[-2:]) else image.contiguous()

    def _alpha(self, size: tuple[int, ...]) -> np.ndarray | None:
        if self.picture is None or self.picture.alpha is None:
            return None
        alpha = torch.from_numpy(self.picture.alpha)[None, None]
        return resize(alpha, (size[0], size[1])).clamp(0, 1)[0, 0].numpy()


def open_dream(
    source: Any, config: DreamConfig, critic: Critic | None = None, *, folder: Path | None = None,
    disk: bool | None = None, used_bytes: float | None = None, steering: Steering | None = None,
) -> Dream | DiskDream:  # fmt: skip
    """Return a dream of a picture file in memory, or on disk where that is needed or pays.

    Args:
        source: as for `dream`; only a file can be worked on disk.
        config: the settings.
        critic: an open network.
        folder: where the picture lies if it lies on disk.
        disk: do so in any case, or never; decided by size and memory if absent.
        used_bytes: memory in use before; measured if absent.
        steering: as for `Dream`.

    Raises:
        InputError: settings, network or picture that cannot be used.
    """
    config = with_tuples(config)
    check_settings(config)
    able = config.canvas != "spectrum" and config.normalize in ON_DISK and not config.group
    size = _size_on_file(source) if able else None
    critic = critic or open_critic(config.model, config.weights, device=config.device, precision=config.precision)
    if size is not None:
        plan = plan_dream(size, config, critic, used_bytes=used_bytes, disk=disk)
        if plan.memory.disk:
            return DiskDream(Path(source), config, critic, plan, folder, steering)
    picture = None if source is None else as_picture(source)
    shape = None if picture is None else picture.rgb.shape[:2]
    plan = None if used_bytes is None else plan_dream(shape, config, critic, used_bytes=used_bytes)
    return Dream(picture, config, critic, plan, steering)


def _size_on_file(source: Any) -> tuple[int, int] | None:
    """Return the size of a picture file by its header; None if there is none, or whoever reads it must say why."""
    if not isinstance(source, (str, Path)):
        return None
    try:
        return upright_size(source)
    except PictureError:
        return None


def dream(
    picture: Any = None, config: DreamConfig | None = None, *, critic: Critic | None = None, **settings: Any
) -> Dream:
    """Dream a picture.

    Args:
        picture: path, bytes, open file, PIL image, ``[H, W]``, ``[H, W, 3]`` or ``[H, W, 4]`` array (uint8, uint16, or
            float in [0, 1]) or ``[3, H, W]`` tensor; ``None`` dreams from noise.
        config: all settings; single ones can be given by keyword instead: ``dream("a.jpg", octaves=5)``.
        critic: an open network, to use it for several pictures.
        **settings: fields of `DreamConfig`.

    Returns:
        A `Dream`: iterate over its steps, or call ``.pil()``, ``.array()`` or ``.save(path)``.

    Raises:
        InputError: settings, network or picture that cannot be used; the message says why.
    """
    if config is not None and settings:
        raise InputError("give settings either as config or by keyword, not both")
    try:
        config = config or DreamConfig(**settings)
    except TypeError as error:
        raise InputError(str(error).replace("DreamConfig.__init__()", "dream()")) from error
    return Dream(picture, config, critic)


def style(
    content: Any, styles: Any = (), config: StyleConfig | None = None, *, critic: Critic | None = None,
    **settings: Any,
) -> Styling:  # fmt: skip
    """Paint a picture in the style of others.

    Args:
        content: as for `dream`.
        styles: one or several: paths, each optionally ``FILE:WEIGHT``, folders of pictures, or pictures in memory as
            `content`, each optionally as (picture, weight).
        config: all settings; single ones can be given by keyword instead: ``style("a.jpg", "b.jpg", strength=0.7)``.
        critic: an open network, to use it for several pictures.
        **settings: fields of `StyleConfig`.

    Returns:
        A `Styling`: iterate over its steps, or call ``.pil()``, ``.array()`` or ``.save(path)``.

    Raises:
        InputError: settings, network or picture that cannot be used; the message says why.
    """
    if config is not None and settings:
        raise InputError("give settings either as config or by keyword, not both")
    listed = tuple(styles) if isinstance(styles, (list, set)) or _is_many(styles) else (styles,)
    try:
        config = config or StyleConfig(**settings)
    except TypeError as error:
        raise InputError(str(error).replace("StyleConfig.__init__()", "style()")) from error
    if all(isinstance(s, (str, Path)) for s in listed):
        return Styling(content, replace(config, style=tuple(map(str, listed))) if listed else config, critic)
    if config.fast not in (None, ANY_STYLE):
        raise InputError("a student paints in the one style that it was taught; leave the styles out")
    config, picture = with_tuples(config), as_picture(content)
    check_settings(config)
    found = read_styles(config, picture.name, listed)
    return Styling(picture, replace(config, style=found.chosen, style_class=None), critic, pictures=found)


def _is_many(styles: Any) -> bool:
    """Tell a tuple of styles from one picture with its weight."""
    return isinstance(styles, tuple) and not (len(styles) == 2 and isinstance(styles[1], (int, float)))


def compare(
    content: Any, style: Any, styled: Any, config: CompareConfig | None = None, **settings: Any
) -> Comparison:  # fmt: skip
    """Measure how much of a style painted pictures took on, and how much of their content they kept.

    Args:
        content: what was painted, as for `dream`.
        style: what it was painted like.
        styled: one result, or a list of them; files of ours say which layers were matched, and others judge.
        config: all settings; single ones can be given by keyword instead.
        **settings: fields of `CompareConfig`.

    Returns:
        A `Comparison`: ``.pictures[0].style``, ``.record()``, ``.sheet()`` or ``.save_sheet(path)``.

    Raises:
        InputError: settings, network or pictures that cannot be used; the message says why.
    """
    if config is not None and settings:
        raise InputError("give settings either as config or by keyword, not both")
    try:
        config = config or CompareConfig(**settings)
    except TypeError as error:
        raise InputError(str(error).replace("CompareConfig.__init__()", "compare()")) from error
    several = isinstance(styled, (list, tuple))
    return compare_pictures(content, style, styled if several else [styled], config)


def _show(step: Step) -> None:
    size = f"{step.size[1]} x {step.size[0]}"
    text = f"\rstep {step.index}/{step.total}  octave {step.octave}/{step.octaves}  {size} px  score {step.score:.4g}  "
    print(text, end="", flush=True)
