"""The Python interface: `dream` with pictures by path, PIL image or array, for scripts and notebooks.

from reverie import dream, DreamConfig

dream("valley.jpg").pil()
for step in dream("valley.jpg", DreamConfig(layer=("mixed5a",), octaves=5)):
    print(step.index, step.score)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

import reverie
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError, PictureError
from reverie.media.image import Picture, read_picture
from reverie.media.write import check_writable, write_picture
from reverie.numerics.color import with_chroma_of
from reverie.numerics.resample import resize
from reverie.optimize.ascend import Step
from reverie.settings import check_settings
from reverie.tools.dream import Plan, dream_steps, final_size, plan_dream
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_objective import build_ascent
from reverie.tools.dream_rules import check_together
from reverie.tools.references import fitted_mask, read_references, stored_settings

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
        notes: what a user should know, such as a mask that was resized.
    """

    def __init__(self, source: Any, config: DreamConfig, critic: Critic | None = None) -> None:
        check_settings(config)
        self.config, self.notes = config, []
        self.picture = None if source is None else _picture(source)
        check_together(config, has_picture=self.picture is not None)
        self.references = read_references(config, self.picture.name if self.picture is not None else "")
        self.critic = critic or open_critic(
            config.model, config.weights, device=config.device, precision=config.precision
        )
        self._ascent = build_ascent(config, self.critic, self.references)
        size = None if self.picture is None else self.picture.rgb.shape[:2]
        self.plan: Plan = plan_dream(size, config, self.critic, self._ascent)
        self._mask = self._fitted_mask()
        self._steps: Iterator[Step] | None = None
        self.last: Step | None = None
        self.seconds = 0.0

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
        """Run to the end and write the picture with its settings inside; returns the path.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        check_writable(path, self.settings())
        self._write(path, self.array(progress=progress), quality, {})
        return Path(path)

    def keep(self, path: str | Path, *, quality: int = 92) -> Path:
        """Write the picture as it is now, marked as unfinished; returns the path."""
        stopped = self.last.index if self.last is not None else 0
        self._write(path, self.current(), quality, {"stopped_at_step": stopped})
        return Path(path)

    def current(self) -> np.ndarray:
        """Return the picture as it is now, ``[H, W, 3]`` float32 in [0, 1], blended with the original by the mask."""
        if self.last is None:
            raise InputError("the dream has not begun; iterate over it first")
        images = self.last.images
        original = self._source_tensor()
        if self._mask is not None and original is not None and images.shape[-2:] == original.shape[-2:]:
            images = torch.lerp(original, images.cpu(), self._mask)
        if self.config.keep_colors and original is not None and images.shape[-2:] == original.shape[-2:]:
            images = with_chroma_of(images.cpu(), original)
        return images[0].float().permute(1, 2, 0).cpu().numpy()

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same bytes again; no absolute paths."""
        identity = self.critic.identity
        config = stored_settings(self.config, self.references) | {
            "model": self.config.model.replace("\\", "/").rpartition("/")[2],
            "precision": self.critic.precision, "tile": self.plan.tile_px or None, "device": "auto", "max_memory": None,
        }  # fmt: skip
        source = None
        if self.picture is not None:
            height, width = self.picture.rgb.shape[:2]
            source = {"name": self.picture.name, "sha256": self.picture.sha256, "width": width, "height": height}
        return {
            "tool": "dream", "version": reverie.__version__, "config": config, "input": source,
            "files": self.references.files,
            "model": {"name": identity.name, "sha256": identity.sha256},
            "machine": {
                "torch": torch.__version__, "device": self.critic.device.type, "threads": torch.get_num_threads(),
            },
        }  # fmt: skip

    def _write(self, path: str | Path, rgb: np.ndarray, quality: int, extra: dict[str, Any]) -> None:
        bits = self.picture.bits if self.picture is not None else 8
        settings = self.settings() | {"quality": quality} | extra
        write_picture(path, rgb, alpha=self._alpha(rgb.shape[:2]), settings=settings, bits=bits, quality=quality)

    # -- inside -----------------------------------------------------------------------------------------------

    def _started(self) -> Iterator[Step]:
        if self._steps is None:
            self._steps = dream_steps(
                self._source_tensor(), self.config, critic=self.critic, mask=self._mask, plan=self.plan,
                ascent=self._ascent,
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

    def _fitted_mask(self) -> Tensor | None:
        """Return the mask at the size of the dream; say which masks had another."""
        masks = [(f"the mask of group {i}", r.mask) for i, r in enumerate(self.references.regions, start=1)]
        fitted = None
        for what, mask in [*masks, ("the mask", self.references.mask)]:
            if mask is not None:
                fitted, note = fitted_mask(mask, self.plan.size, what)
                self.notes += [note] if note else []
        return fitted if self.references.mask is not None else None


def dream(
    picture: Any = None, config: DreamConfig | None = None, *, critic: Critic | None = None, **settings: Any
) -> Dream:
    """Dream a picture.

    Args:
        picture: path, PIL image, ``[H, W, 3]`` array (uint8, or float in [0, 1]) or ``[3, H, W]`` tensor;
            ``None`` dreams from noise.
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
        config = config or DreamConfig(**_as_tuples(settings))
    except TypeError as error:
        raise InputError(str(error).replace("DreamConfig.__init__()", "dream()")) from error
    return Dream(picture, config, critic)


def _as_tuples(settings: dict[str, Any]) -> dict[str, Any]:
    wrapped = dict(settings)
    for name in ("layer", "channel", "target_layer", "group"):
        value = wrapped.get(name)
        if isinstance(value, (str, int)):
            wrapped[name] = (value,)
        elif isinstance(value, list):
            wrapped[name] = tuple(value)
    return {name: str(value) if isinstance(value, Path) else value for name, value in wrapped.items()}


def _picture(source: Any) -> Picture:
    if isinstance(source, Picture):
        return source
    if isinstance(source, (str, Path)):
        return read_picture(source)
    if isinstance(source, Tensor):
        return _from_array(source.detach().cpu().float().squeeze(0).permute(1, 2, 0).numpy())
    if isinstance(source, np.ndarray):
        return _from_array(source)
    import io

    buffer = io.BytesIO()
    source.save(buffer, "PNG")
    return read_picture(io.BytesIO(buffer.getvalue()), name="picture")


def _from_array(array: np.ndarray) -> Picture:
    if array.ndim != 3 or array.shape[2] not in (3, 4):
        raise PictureError(f"a picture array must be [H, W, 3] or [H, W, 4]; got {list(array.shape)}")
    values = array.astype(np.float32) / 255 if array.dtype == np.uint8 else array.astype(np.float32)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise PictureError("a float picture array must lie in [0, 1]")
    alpha = np.ascontiguousarray(values[..., 3]) if array.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(values[..., :3]), alpha, 8, "", "array")


def _show(step: Step) -> None:
    size = f"{step.size[1]} x {step.size[0]}"
    text = f"\rstep {step.index}/{step.total}  octave {step.octave}/{step.octaves}  {size} px  score {step.score:.4g}  "
    print(text, end="", flush=True)
