"""One style transfer by the optimizer: a picture in, steps on the way, a picture out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.critic.style_layers import style_layers
from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.work import State
from reverie.media.image import Picture
from reverie.numerics.color import with_chroma_of
from reverie.numerics.color_match import match_colors
from reverie.numerics.fill import fill_transparent
from reverie.numerics.periodic import periodic
from reverie.numerics.resample import resize
from reverie.optimize.ascend import Step
from reverie.optimize.warm_adam import bands
from reverie.settings import marked, to_record
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import StylePictures, colors
from reverie.tools.style_steps.plan import StylePlan, plan_style, seam_note, wrap_of
from reverie.tools.style_steps.state import grown, load_state, parts_of, restored, same_run
from reverie.tools.style_steps.steps import StyleState, style_steps
from reverie.tools.style_steps.terms import StyleTerms

NOT_A_NUMBER = "a score was not a number or far worse than before"


class Transfer:
    """One style transfer: an iterator of `Step`s.

    Attributes:
        config: the settings.
        network: that sees the pictures.
        pictures: styles and masks.
        plan: scales, steps and tiles, decided before the first step.
        content: ``[1, 3, H, W]`` at the final size.
        alpha: ``[1, 1, H, W]``, the opacity of the content; None where it is opaque.
        bits: 8 or 16, as the content had.
        state: where it stands.
        last: the latest step, once there is one.
        finished: whether it came to its end.
        notes: what a user should know.

    Args:
        picture: the content.
        config: the settings; `resume_from` is a state of the same run, to go on bit for bit, or of a preview, to grow.
        critic: an open network.
        pictures: the styles.
        budget: this process's share of the memory, such as "3GB", in place of that of the settings.

    Raises:
        InputError: settings, network or pictures that do not fit together.
    """

    word = "scale"

    def __init__(
        self, picture: Picture, config: StyleConfig, critic: Critic, pictures: StylePictures, budget: str | None = None
    ) -> None:
        self.config, self.network, self.pictures, self.budget = config, critic, pictures, budget
        self.notes: list[str] = []
        self.bits = picture.bits
        names = layer_names(config, critic)
        size = picture.rgb.shape[0], picture.rgb.shape[1]
        self.plan, self.state = self._planned(size, names, picture.sha256)
        self.notes += seam_note(size, config, self.plan.size)
        self.content, self.alpha = fitted(picture, self.plan.size, wrap_of(config))
        self.terms = StyleTerms(config, critic, pictures, self.content, self.alpha)
        if config.max_memory is not None:
            self.notes.append(self.plan.note)
        self._steps = style_steps(self.content, pictures, config, self.plan, self.terms, self.state)
        self.last: Step | None = None
        self.finished = False

    def __iter__(self) -> Iterator[Step]:
        for step in self._steps:
            self.notes += [note for note in self.terms.notes if note not in self.notes]
            if self.state.rolled_back and not any(NOT_A_NUMBER in note for note in self.notes):
                self.notes.append(f"{NOT_A_NUMBER}; the step was taken back and the run went on")
            self.last = step
            yield step
        self.finished = True

    @property
    def decisions(self) -> dict[str, Json]:
        """What else was decided, for a dry run."""
        layers = self.terms.layers
        return {"style_layers": dict(layers.style), "content_layers": dict(layers.content)}

    def kept(self) -> State | None:
        """Return where it stands; None at the end, and with L-BFGS, whose history is not kept."""
        ends = self.last is None or self.last.index >= self.last.total
        if ends or self.state.average is None or self.config.optimizer == "lbfgs" or self.state.rolled_back:
            return None
        tensors, about = parts_of(self.state, self.plan)
        return State(tensors, about | {"tile": self.plan.tile_px})

    def go_on(self, state: State) -> None:
        """Stand where another process stood.

        Raises:
            InputError: it is the state of another transfer.
        """
        about = dict(state.about)
        if not same_run(about, self.plan) or about.get("tile") != self.plan.tile_px:
            raise InputError("that is the state of another style transfer")
        vars(self.state).update(vars(restored(dict(state.tensors), about, self.config.lr, self.config.average)))

    def current(self) -> np.ndarray:
        """Return the picture as it is now, at its final size and with its final colors, ``[H, W, 3]`` in [0, 1]."""
        if self.last is None:
            raise InputError("the style transfer has not begun; iterate over it first")
        return shown(self.last, self.content, self.config, self.terms.change(self.plan.size))

    def _planned(self, size: tuple[int, int], names: tuple[str, ...], sha256: str) -> tuple[StylePlan, StyleState]:
        config, budget = self.config, self.budget
        if config.resume_from is None:
            return plan_style(size, config, self.network, names, budget=budget), StyleState()
        resume = Path(config.resume_from)
        tensors, about = load_state(resume)
        state = restored(tensors, about, config.lr, config.average)
        before = about.get("record") or {}
        if (before.get("input") or {}).get("sha256") != sha256:
            self.notes.append(f"the state '{resume.name}' was stylized from another content picture")
        if before.get("files") != self.pictures.files:
            self.notes.append(f"the state '{resume.name}' was stylized with other styles or masks")
        plan = plan_style(size, config, self.network, names, budget=budget)
        seamless = (before.get("config") or {}).get("seamless", config.seamless)
        if seamless != config.seamless:
            raise InputError(f"the state '{resume}' was stylized with --seamless {seamless}; go on with the same")
        if same_run(about, plan):
            return plan, state
        assert state.pixels is not None
        above = (state.pixels.shape[-2], state.pixels.shape[-1])
        self._check_grows(resume, above, plan, before.get("config") or {}, names)
        plan = plan_style(size, config, self.network, names, above=above, budget=budget)
        return plan, grown(state, plan.scales[0].size, wrap_of(config))

    def _check_grows(
        self, resume: Path, above: tuple[int, int], plan: StylePlan, before: dict[str, Any], names: tuple[str, ...]
    ) -> None:
        """Refuse a state that cannot be the preview of this picture.

        Raises:
            InputError: it has another shape, or is as large already.
        """
        config = self.config
        rounding = self.network.stride(names) if any(wrap_of(config)) else 2
        if abs(above[0] * plan.size[1] - above[1] * plan.size[0]) > rounding * max(*above, *plan.size):
            raise InputError(f"the state '{resume}' has another shape, {above[1]} x {above[0]} px, than the content")
        if max(above) >= max(plan.size):
            now = to_record(config)
            own = [
                f"--{n.replace('_', '-')} {before[n]}"
                for n in marked(StyleConfig, "scales")
                if before.get(n, now[n]) != now[n]
            ]
            more = f", or, to go on with it as it began, give {' '.join(own)}" if own else ""
            raise InputError(f"the state '{resume}' has {max(above)} px already; ask for a larger --size{more}")


def fitted(picture: Picture, size: tuple[int, int], wrap: tuple[bool, bool]) -> tuple[Tensor, Tensor | None]:
    """Return content and opacity at the final size; transparent places are filled, seamless axes made to repeat.

    Raises:
        InputError: nothing of the picture can be seen.
    """
    image, alpha = colors(picture), None
    if picture.alpha is not None:
        alpha = torch.from_numpy(picture.alpha)[None, None]
        if not alpha.any():
            raise InputError(f"the content '{picture.name}' is transparent everywhere")
        image = fill_transparent(image, alpha)
        alpha = resize(alpha, size).clamp(0, 1)
    image = periodic(resize(image, size), wrap).clamp_(0, 1)
    return image.contiguous(), alpha


@torch.no_grad()
def shown(step: Step, content: Tensor, config: StyleConfig, change: Tensor | None) -> np.ndarray:
    """Return the result of a step with its final colors, ``[H, W, 3]`` in [0, 1]; unchanged where `change` is 0."""
    images = recolored(step.whole().cpu(), content.cpu(), config)
    if change is not None:
        torch.lerp(content.cpu(), images, change.cpu(), out=images)
    return images[0].permute(1, 2, 0).contiguous().numpy()


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
