"""One dream of one picture in memory, or from noise, as a work: steps, steering, the result after any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.jobs.job import MEANT, Input, Json
from reverie.jobs.output import Picture as PictureOutput
from reverie.jobs.replay import OWN
from reverie.jobs.work import Chosen, Plan, State
from reverie.numerics.color import with_chroma_of
from reverie.numerics.resample import resize
from reverie.optimize.ascend import Step
from reverie.optimize.gradient import Ascent
from reverie.optimize.together import Together
from reverie.tools.dream.mask_rule import doubt, resolved_rule
from reverie.tools.dream.references import References, fitted_masks
from reverie.tools.dream.rules import parse_groups
from reverie.tools.dream_steps.ascent import Plan as Layout
from reverie.tools.dream_steps.ascent import Standing, dream_steps, final_size, open_steered

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.media.image import Picture
    from reverie.tools.dream.config import DreamConfig


COUNTS = ("iteration", "octave", "step", "index")  # of `Standing`


class DreamWork:
    """A work, see `reverie.jobs.work.Work`; its progress are `Step`s.

    Args:
        picture: what is dreamt on; None from noise.
        config: the settings.
        critic: the open network.
        layout: sizes, steps and tiles.
        references: the other pictures.
        ascent: what is amplified.
        own: what a program brought itself, in words; "" for nothing.

    Attributes:
        last: the latest step, once there is one.
    """

    def __init__(
        self, picture: Picture | None, config: DreamConfig, critic: Critic, layout: Layout, references: References,
        ascent: Ascent | Together, own: str = "",
    ) -> None:  # fmt: skip
        self.picture, self.config, self.critic, self.layout = picture, config, critic, layout
        self.last: Step | None = None
        self.chosen = chosen(config, critic, layout, references)
        if own:
            self.chosen = replace(self.chosen, more={**self.chosen.more, OWN: own})
        self._ascent, self._steered = ascent, open_steered(config, critic, layout, ascent)
        self._mask, resized = fitted_masks(references, layout.size)
        self.notes: list[str] = [*([layout.note] if config.max_memory is not None else []), *resized]
        self.notes += layout_notes(config, layout, from_noise=picture is None)
        self.notes += doubt(references.cut_out, config.mask_by)
        names = [layer.name for layer in critic.named_layers]
        self.plan = plan_of(config, critic, layout, {"strength": (), "layer": names})
        self._steps: Iterator[Step] | None = None
        self._standing = Standing()

    def __iter__(self) -> Iterator[Step]:
        if self._steps is None:
            self._steps = dream_steps(
                self._source(), self.config, critic=self.critic, mask=self._mask, plan=self.layout,
                steered=self._steered, ascent=self._ascent, standing=self._standing,
            )  # fmt: skip
        for step in self._steps:
            self.last = step
            yield step

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Change strength or layer from the next step on."""
        return self._steered.control(change)

    @property
    def resumable(self) -> DreamWork:
        """See `reverie.jobs.work.Resumable`."""
        return self

    def state(self) -> State | None:
        """Return where it stands; None in a spectrum, after turning to another layer, and at the end."""
        at, steered = self._standing, self._steered
        ends = self.last is None or self.last.index >= self.last.total
        if at.pixels is None or ends or steered.config is not self.config:
            return None
        tensors = {"pixels": at.pixels, "random": steered.generator.get_state()}
        tensors |= {} if at.source is None else {"source": at.source}
        about: dict[str, Json] = {name: getattr(at, name) for name in COUNTS}
        return State(tensors, about | {"strength": steered.strength, **self._fixed})

    def go_on(self, state: State) -> None:
        """Stand where another process stood.

        Raises:
            InputError: it is the state of another dream.
        """
        about, tensors = state.about, state.tensors
        if any(about.get(name) != value for name, value in self._fixed.items()):
            raise InputError("that is the state of another dream")
        iteration, octave, step, index = (int(about[name]) for name in COUNTS)  # type: ignore[arg-type] - plain JSON
        self._standing = Standing(
            iteration, octave, step, index, tensors["pixels"], tensors.get("source"), tensors["random"]
        )
        self._steered.strength = float(about["strength"])  # type: ignore[arg-type]

    @property
    def _fixed(self) -> dict[str, Json]:
        """What a state must share."""
        return {"sizes": [list(size) for size in self.layout.sizes], "tile": self.layout.tile_px,
                "steps": self.layout.steps, "device": self.critic.device.type}  # fmt: skip

    def outputs(self) -> Sequence[PictureOutput]:
        """Return the picture as it is."""
        rgb = self.current()
        return [PictureOutput(rgb, self._alpha(rgb.shape[:2]), 8 if self.picture is None else self.picture.bits)]

    def close(self) -> None:
        """Give nothing back: a picture in memory goes with its dream."""

    def current(self) -> np.ndarray:
        """Return the picture as it is, ``[H, W, 3]`` float32 in [0, 1], blended with the original by the mask.

        Always at its final size: before the last octave, the detail dreamt so far is enlarged and laid on the original.
        """
        if self.last is None:
            raise InputError("the dream has not begun; iterate over it first")
        images = self.last.whole().clamp(0, 1)  # Ctrl-C may have come between a step and its clipping
        original = self._source()
        if self._mask is not None and original is not None:
            images = torch.lerp(original, images.cpu(), self._mask)
        if self.config.keeps_colors and original is not None and images.shape[-2:] == original.shape[-2:]:
            images = with_chroma_of(images.cpu(), original)
        return images[0].float().permute(1, 2, 0).cpu().numpy()

    def _source(self) -> Tensor | None:
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


def layout_notes(config: DreamConfig, layout: Layout, *, from_noise: bool) -> list[str]:
    """Return lines about steps and octaves that are others than were asked for."""
    plain, notes = type(config)(), []
    if layout.canvas == "pixels" and config.octaves != plain.octaves and len(layout.sizes) < config.octaves:
        notes.append(f"only {len(layout.sizes)} of {config.octaves} octaves: the picture is too small for more; "
                     "enlarge it with --size, or give a smaller --octave-scale")  # fmt: skip
    if from_noise and config.steps not in (plain.steps, 0) and layout.steps != config.steps:
        notes.append(f"without a picture a dream takes {layout.steps // config.steps} times as many steps: "
                     f"{layout.steps} for --steps {config.steps}")  # fmt: skip
    return notes


def plan_of(
    config: DreamConfig, critic: Critic, layout: Layout, steerable: Mapping[str, Sequence[str]],
    suffixes: tuple[str, ...] = (),
) -> Plan:  # fmt: skip
    """Return what ``--dry-run`` prints, and what the time left is reckoned by."""
    decisions: dict[str, Json] = {
        "size": [layout.size[1], layout.size[0]], "octaves": [[s[1], s[0]] for s in layout.sizes],
        "steps": layout.steps, "layers": list(layout.layers), "canvas": layout.canvas,
        "memory_mb": round(layout.memory.estimate_bytes / 1e6), "on_disk_mb": round(layout.memory.disk_bytes / 1e6),
        "tile_px": layout.tile_px, "halo_px": layout.halo_px, "tiles": len(layout.tiles(layout.size)) or 1,
        "precision": critic.precision,
    }  # fmt: skip
    return Plan(decisions, layout.pixel_steps, f"{layout.size[1]} x {layout.size[0]} px", suffixes, steerable=steerable)


def chosen(config: DreamConfig, critic: Critic, layout: Layout, references: References) -> Chosen:
    """Return what the record must say of the network, the machine and the pictures that were picked."""
    model = Input(critic.identity.name, critic.identity.sha256)
    files = {role: Input(item["name"], item["sha256"]) for role, item in references.files.items()}
    resolved: dict[str, Json] = {
        "precision": critic.precision, "tile": layout.tile_px or None, "normalize": config.normalize,
        **resolved_rule(references.cut_out, config.mask_by),
    }  # fmt: skip
    more: dict[str, Json] = {"disk": True} if layout.memory.disk else {}  # its last bits differ from those in memory
    meant = critic.meanings(*class_texts(config))
    more |= {MEANT: meant} if meant else {}
    if "target_from" in files:
        resolved |= {"target_from": files["target_from"].name, "target_class": None}
    return Chosen(model, critic.device.type, files, resolved, more, about(config, critic, layout))


def class_texts(config: DreamConfig) -> tuple[str | None, ...]:
    """Return all texts of the settings that name classes of the network that is dreamt with."""
    own = [(group.class_name, group.guide_class) for group in parse_groups(config)]
    return (config.class_name, config.guide_class, *(text for pair in own for text in pair))


def about(config: DreamConfig, critic: Critic, layout: Layout) -> str:
    """Return network, what was raised in it, and arithmetic in words: the class by its full name, or the layers."""
    raised = "+".join(layout.layers)
    if config.class_name is not None:
        classes, (index, *more) = critic.identity.classes, critic.class_indices(config.class_name)
        raised = f"class {classes[index] if index < len(classes) else index}"
        raised = f"{len(more) + 1} classes ({config.class_name})" if more else raised
    return f"{critic.identity.name}:{raised}, {critic.precision} on {critic.device}"
