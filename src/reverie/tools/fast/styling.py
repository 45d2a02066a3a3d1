"""A style transfer in one pass."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.media.image import Picture
from reverie.numerics.color_match import match_colors
from reverie.numerics.fill import fill_transparent
from reverie.numerics.resample import long_side, resize
from reverie.optimize.ascend import Step
from reverie.optimize.tiles import memory_budget
from reverie.settings import px_of
from reverie.tools.fast.model import STYLE_PX, FastModel, fast_style, open_student, tile_side
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.rules import ANY_STYLE
from reverie.tools.style.sources import Style, StylePictures, read_styles
from reverie.tools.style_steps.plan import Scale, StylePlan
from reverie.tools.style_steps.transfer import fitted, shown


class FastTransfer:
    """One picture stylized in one pass: an iterator of a single `Step`; attributes as `Transfer` has them.

    Raises:
        InputError: settings, network or pictures that do not fit together.
    """

    word = "pass"

    def __init__(
        self, picture: Picture, config: StyleConfig, model: FastModel, pictures: StylePictures,
        budget: str | None = None,
    ) -> None:  # fmt: skip
        self.config, self.network, self.pictures = config, model, pictures
        self.notes: list[str] = []
        self.bits = picture.bits
        self.plan = fast_plan((picture.rgb.shape[0], picture.rgb.shape[1]), config, model, budget)
        self.content, self.alpha = fitted(picture, self.plan.size, (False, False))
        self.state, self.last, self.finished = None, None, False
        if config.max_memory is not None:
            self.notes.append(self.plan.note)
        if config.strength > model.strength:
            self.notes.append(f"'{model.identity.name}' stylizes at strength {model.strength:g} at most; so does this")

    last: Step | None

    def __iter__(self) -> Iterator[Step]:
        if self.last is not None:
            return
        began = time.perf_counter()
        styles = [seen_style(style, self.config, self.content, self.alpha) for style in self.pictures.styles]
        images = fast_style(
            self.content, self.network, styles, [style.weight for style in self.pictures.styles] or None,
            strength=dial(self.config, self.network), style_px=max(self.plan.size) * 64, tile=self.plan.tile_px,
        )  # fmt: skip
        self.last = Step(1, 1, 1, 1, 0.0, self.plan.size, time.perf_counter() - began, images, partial(_same, images))
        yield self.last
        self.finished = True

    @property
    def decisions(self) -> dict[str, Json]:
        """Who paints, for a dry run."""
        return {"paints": " ".join(self.plan.layers)}

    def current(self) -> np.ndarray:
        """Return the picture with its final colors, ``[H, W, 3]`` in [0, 1]."""
        if self.last is None:
            raise InputError("the style transfer has not begun; iterate over it first")
        return shown(self.last, self.content, self.config, None)


def seen_style(style: Style, config: StyleConfig, content: Tensor, visible: Tensor | None = None) -> Tensor:
    """Return a style's picture ``[1, 3, h, w]`` in the colors and at the size that it is looked at in."""
    image = style.image if style.visible is None else fill_transparent(style.image, style.visible)
    if config.color == "match":
        image = match_colors(
            image, content, config.color_method, config.color_strength, weights=style.visible, target_weights=visible
        )
    own = (image.shape[-2], image.shape[-1])
    wanted = style.size_px or max(16, round(STYLE_PX * style.scale))
    return resize(image, long_side(own, min(wanted, max(own)))).clamp(0, 1)


def fast_plan(own: tuple[int, int], config: StyleConfig, model: FastModel, budget: str | None = None) -> StylePlan:
    """Return size and tiles of a picture that is stylized in one pass.

    Raises:
        InputError: not even small tiles fit into the memory.
    """
    size = own if config.size is None else long_side(own, px_of(config.size, max(own)))
    limit = budget or config.max_memory
    most, used = memory_budget(limit, model.device)
    tile = tile_side(model, size, limit) if config.tile is None else config.tile
    layers = ("any style",) if model.takes_styles else ("its own style",)
    return StylePlan((Scale(size, 1, tile),), used, most, layers=layers)


def dial(config: StyleConfig, model: FastModel) -> float:
    """Return how far a network's own strength is turned up, from 0 to 1."""
    return min(1.0, config.strength / model.strength)


def open_fast(config: StyleConfig) -> FastModel:
    """Return the network that the settings name."""
    path = None if config.fast == ANY_STYLE else Path(config.fast or "")
    return open_student(
        path, device=config.device, precision="fp32" if config.precision == "auto" else config.precision
    )


def read_fast(config: StyleConfig, name: str) -> StylePictures:
    """Read the styles of a network that takes any; a student needs none.

    Raises:
        InputError: a weight below zero, or as `read_styles`.
    """
    if config.fast != ANY_STYLE:
        return StylePictures(())
    pictures = read_styles(config, name)
    for style in pictures.styles:
        if style.weight < 0:
            raise InputError(f"--fast takes no negative weights; '{style.name}' has {style.weight:g}")
    return pictures


@torch.no_grad()
def _same(images: Tensor) -> Tensor:
    return images
