"""One style transfer as a user meets it: pictures in, steps on the way, a picture with its settings out."""

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
from reverie.critic.style_layers import style_layers
from reverie.errors import InputError
from reverie.media.given import as_picture
from reverie.media.write import DEEP_SUFFIXES, check_writable, encode_picture, write_picture
from reverie.numerics.color import with_chroma_of
from reverie.numerics.color_match import match_colors
from reverie.numerics.fill import fill_transparent
from reverie.numerics.periodic import periodic
from reverie.numerics.resample import resize
from reverie.optimize.ascend import Step
from reverie.optimize.warm_adam import bands
from reverie.settings import check_settings, to_record, with_tuples
from reverie.tools.references import base_name
from reverie.tools.style import StyleState, style_steps
from reverie.tools.style_config import StyleConfig
from reverie.tools.style_plan import StylePlan, plan_style, seam_note, wrap_of
from reverie.tools.style_record import NAMED, style_record
from reverie.tools.style_rules import check_style
from reverie.tools.style_sources import StylePictures, colors, read_styles
from reverie.tools.style_state import grown, load_state, restored, same_run, save_state
from reverie.tools.style_terms import StyleTerms

if TYPE_CHECKING:
    from PIL import Image

NOT_A_NUMBER = "a score was not a number or far worse than before"
OF_SCALES = ("min_size", "steps", "step_decay", "min_steps")  # with the size, what a state must share to go on in place


class Styling:
    """One style transfer: an iterator of `Step`s whose result can be had as array, PIL image or file.

    Attributes:
        config: the settings as given.
        critic: the open network.
        plan: scales, steps and tiles, decided before the first step.
        state: where it stands.
        last: the latest step, once there is one.
        stop_at: number of the step to stop after, as a replay of a stopped picture does.
        notes: what a user should know.

    Args:
        source: content: path, bytes, open file, PIL image, array or tensor, as for `dream`.
        config: the settings; `style` names the style pictures.
        critic: an open network.
        resume: a state file: of the same run, to go on bit for bit, or of a smaller preview, to grow.
        pictures: the styles, if they were read already.

    Raises:
        InputError: settings, network or pictures that cannot be used.
    """

    def __init__(
        self, source: Any, config: StyleConfig, critic: Critic | None = None, *, resume: Path | None = None,
        pictures: StylePictures | None = None,
    ) -> None:  # fmt: skip
        config = with_tuples(config)
        check_settings(config)
        check_style(config)
        self.config, self.notes = config, []
        self.picture = as_picture(source)
        self.pictures = pictures or read_styles(config, self.picture.name)
        self.critic = critic or open_critic(
            config.model, config.weights, device=config.device, precision=config.precision
        )
        names = layer_names(config, self.critic)
        size = self._source_size = (self.picture.rgb.shape[0], self.picture.rgb.shape[1])
        self._resumed = None if resume is None else base_name(str(resume))
        self.plan, self.state = self._planned(size, names, resume)
        self.notes += seam_note(size, config, self.plan.size)
        self.content, self._alpha = self._fitted()
        # The picture as it was read is not needed again, and large ones are as large as everything else.
        self.picture = replace(self.picture, rgb=self.content[0].permute(1, 2, 0).numpy())
        self.terms = StyleTerms(config, self.critic, self.pictures, self.content, self._alpha)
        if config.max_memory is not None:
            self.notes.append(self.plan.note)
        self._steps: Iterator[Step] | None = None
        self._names: dict[str, Any] = {}
        self.last: Step | None = None
        self.seconds, self.stopped = 0.0, False
        self.stop_at: int | None = None

    doing, size_word = "painting", "scale"

    def _planned(
        self, size: tuple[int, int], names: tuple[str, ...], resume: Path | None
    ) -> tuple[StylePlan, StyleState]:
        config = self.config
        if resume is None:
            return plan_style(size, config, self.critic, names), StyleState()
        tensors, about = load_state(resume)
        state = restored(tensors, about, config.lr, config.average)
        before = about.get("record") or {}
        if (before.get("input") or {}).get("sha256") != self.picture.sha256:
            self.notes.append(f"the state '{resume.name}' was painted from another content picture")
        if before.get("files") != self.pictures.files:
            self.notes.append(f"the state '{resume.name}' was painted with other styles or masks")
        plan = plan_style(size, config, self.critic, names)
        seamless = (before.get("config") or {}).get("seamless", config.seamless)
        if seamless != config.seamless:
            raise InputError(f"the state '{resume}' was painted with --seamless {seamless}; go on with the same")
        if same_run(about, plan):
            return plan, state
        assert state.pixels is not None
        above = (state.pixels.shape[-2], state.pixels.shape[-1])
        self._check_grows(resume, above, plan, before.get("config") or {}, names)
        plan = plan_style(size, config, self.critic, names, above=above)
        return plan, grown(state, plan.scales[0].size, wrap_of(config))

    def _check_grows(
        self, resume: Path, above: tuple[int, int], plan: StylePlan, before: dict[str, Any], names: tuple[str, ...]
    ) -> None:
        """Refuse a state that cannot be the preview of this picture.

        Raises:
            InputError: it has another shape, or is as large already.
        """
        config = self.config
        rounding = self.critic.stride(names) if any(wrap_of(config)) else 2
        if abs(above[0] * plan.size[1] - above[1] * plan.size[0]) > rounding * max(*above, *plan.size):
            raise InputError(f"the state '{resume}' has another shape, {above[1]} x {above[0]} px, than the content")
        if max(above) >= max(plan.size):
            now = to_record(config)
            own = [f"--{n.replace('_', '-')} {before[n]}" for n in OF_SCALES if before.get(n, now[n]) != now[n]]
            more = f", or, to go on with it as it began, give {' '.join(own)}" if own else ""
            raise InputError(f"the state '{resume}' has {max(above)} px already; ask for a larger --size{more}")

    def __iter__(self) -> Iterator[Step]:
        if self._steps is None:
            self._steps = style_steps(self.content, self.pictures, self.config, self.plan, self.terms, self.state)
        while True:
            began = time.perf_counter()
            step = None if self.stopped else next(self._steps, None)
            self.seconds += time.perf_counter() - began
            self.notes += [note for note in self.terms.notes if note not in self.notes]
            if step is None:
                return
            if self.state.rolled_back and not any(NOT_A_NUMBER in note for note in self.notes):
                self.notes.append(f"{NOT_A_NUMBER}; the step was taken back and the run went on")
            self.last = step
            self.stopped = step.index == self.stop_at
            yield step

    # -- results ----------------------------------------------------------------------------------------------

    def array(self) -> np.ndarray:
        """Run to the end and return ``[H, W, 3]`` float32 in [0, 1]."""
        for _ in self:
            pass
        return self.current()

    def pil(self) -> Image.Image:
        """Run to the end and return a PIL image, with alpha if the content has it."""
        from PIL import Image

        from reverie.media.image import to_uint8

        pixels = to_uint8(self.array())
        alpha = self._opacity()
        return Image.fromarray(pixels if alpha is None else np.dstack([pixels, to_uint8(alpha)]))

    def save(self, path: str | Path, *, quality: int = 92) -> Path:
        """Run to the end and write the picture with its settings; returns the path.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        self.check_target(path)
        rgb = self.array()
        write_picture(path, rgb, **self._options(Path(path).suffix, quality, {}))
        return Path(path)

    def keep(self, path: str | Path, *, quality: int = 92) -> Path:
        """Write the picture as it is now, at its final size and marked as unfinished; returns the path."""
        extra = {"stopped_at_step": 0 if self.last is None else self.last.index}
        write_picture(path, self.current(), **self._options(Path(path).suffix, quality, extra))
        return Path(path)

    def keep_state(self, path: Path) -> Path:
        """Write where the run stands, so that `resume` goes on from there, or to a larger size; returns the path."""
        save_state(path, self.state, self.settings(), self.plan)
        return path

    def encoded(self, suffix: str, *, quality: int = 92) -> bytes:
        """Run to the end and return the bytes that `save` would write to a file with this suffix."""
        rgb = self.array()
        return encode_picture(f"picture{suffix}", rgb, **self._options(suffix, quality, {}))

    def check_target(self, path: str | Path) -> None:
        """Check before long work that the result can be written there.

        Raises:
            InputError: an unknown format, or one that cannot hold the settings.
            OutputError: no folder, or no permission.
        """
        check_writable(path, self.settings())

    @torch.no_grad()
    def current(self) -> np.ndarray:
        """Return the picture as it is now, at its final size and with its final colors, ``[H, W, 3]`` in [0, 1]."""
        if self.last is None:
            raise InputError("the style transfer has not begun; iterate over it first")
        images = self.last.whole().cpu()
        images = recolored(images, self.content.cpu(), self.config)
        change = self.change()
        if change is not None:
            torch.lerp(self.content.cpu(), images, change.cpu(), out=images)
        return images[0].permute(1, 2, 0).contiguous().numpy()

    def change(self) -> Tensor | None:
        """Return where the picture may change, ``[1, 1, H, W]``; None if everywhere."""
        return self.terms.change(self.plan.size)

    # -- records ----------------------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same bytes again; no absolute paths."""
        height, width = self._source_size
        name = self._names.get("input") or self.picture.name
        source = {"name": name, "sha256": self.picture.sha256, "width": width, "height": height}
        record = style_record(self.config, self.critic, self.plan, self.pictures, source)
        record["config"] |= self._names.get("config", {})
        record["model"]["name"] = self._names.get("model") or record["model"]["name"]
        record["files"] = self._names.get("files") or record["files"]
        return record | ({"resumed_from": self._resumed} if self._resumed else {})

    def call_as(self, record: dict[str, Any]) -> None:
        """Store files under the names of an earlier record; for a replay with renamed files of equal hashes."""
        config = {name: record["config"].get(name) for name in NAMED}
        self._names = {"config": config, "input": record["input"]["name"], "model": record["model"]["name"],
                       "files": record["files"]}  # fmt: skip

    def close(self) -> None:
        """Give nothing back: all of it is in memory."""

    # -- inside -----------------------------------------------------------------------------------------------

    def _fitted(self) -> tuple[Tensor, Tensor | None]:
        """Return content and alpha at the final size; transparent places are filled, seamless axes made to repeat."""
        image, alpha = colors(self.picture), None
        if self.picture.alpha is not None:
            alpha = torch.from_numpy(self.picture.alpha)[None, None]
            if not alpha.any():
                raise InputError(f"the content '{self.picture.name}' is transparent everywhere")
            image = fill_transparent(image, alpha)
            alpha = resize(alpha, self.plan.size).clamp(0, 1)
        image = periodic(resize(image, self.plan.size), wrap_of(self.config)).clamp_(0, 1)
        return image.contiguous(), alpha

    def _opacity(self) -> np.ndarray | None:
        return None if self._alpha is None else self._alpha[0, 0].numpy()

    def _options(self, suffix: str, quality: int, extra: dict[str, Any]) -> dict[str, Any]:
        bits = self.picture.bits if suffix.lower() in DEEP_SUFFIXES else 8
        settings = self.settings() | {"quality": quality} | extra
        return {"alpha": self._opacity(), "settings": settings, "bits": bits, "quality": quality}


def layer_names(config: StyleConfig, critic: Critic) -> tuple[str, ...]:
    """Return all layers of the network that a style transfer reads."""
    found = style_layers(critic, config.style_layer, config.content_layer, config.softmax)
    dreamt = tuple(text.rpartition(":")[0] or text for text in config.dream_layer)
    names = [name for name, _ in (*found.style, *found.content)]
    return tuple(name for name in dict.fromkeys((*names, *dreamt)) if name != "image")


def recolored(images: Tensor, content: Tensor, config: StyleConfig) -> Tensor:
    """Return the result with the colors that were asked for; `images` itself is changed."""
    if config.color == "match-after":
        return match_colors(images, content, config.color_method, config.color_strength)
    if config.color not in ("keep", "keep-lightness"):
        return images
    for image, photo in zip(bands(images), bands(content), strict=True):
        changed = with_chroma_of(image, photo) if config.color == "keep" else with_chroma_of(photo, image)
        image.copy_(changed if config.color_strength == 1 else torch.lerp(image, changed, config.color_strength))
    return images
