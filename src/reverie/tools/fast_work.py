"""A style transfer in one pass, with the same interface as the one that takes many steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.media.given import as_picture
from reverie.numerics.color_match import match_colors
from reverie.numerics.fill import fill_transparent
from reverie.numerics.resample import long_side, resize
from reverie.optimize.ascend import Step
from reverie.optimize.tiles import memory_budget
from reverie.settings import check_settings, with_tuples
from reverie.tools.fast_style import STYLE_PX, FastModel, fast_style, open_student, tile_side
from reverie.tools.style_config import StyleConfig
from reverie.tools.style_plan import Scale, StylePlan
from reverie.tools.style_rules import ANY_STYLE, check_style
from reverie.tools.style_sources import Style, StylePictures, read_styles
from reverie.tools.style_work import Styling


class FastStyling(Styling):
    """One picture painted in one pass: an iterator of a single `Step`, and results as `Styling` has them.

    Args:
        source: content, as for `style`.
        config: the settings; `fast` names the network.
        model: the network, if it is open already.
        pictures: the styles, if they were read already.

    Raises:
        InputError: settings, network or pictures that cannot be used.
        WeightsError: a student that cannot be read.
    """

    size_word = "pass"

    def __init__(
        self, source: Any, config: StyleConfig, model: FastModel | None = None, *, pictures: StylePictures | None = None
    ) -> None:
        config = with_tuples(config)
        check_settings(config)
        check_style(config)
        self.config, self.notes = config, []
        self.picture = as_picture(source)
        self.model = model or open_fast(config)
        self.critic: Any = self.model
        self.pictures = pictures or read_fast(config, self.picture.name)
        self._resumed, self._names = None, {}
        self._source_size = (self.picture.rgb.shape[0], self.picture.rgb.shape[1])
        self.plan = fast_plan(self._source_size, config, self.model)
        self.content, self._alpha = self._fitted()
        self.last: Step | None = None
        self.seconds, self.stopped, self.stop_at = 0.0, False, None
        if config.max_memory is not None:
            self.notes.append(self.plan.note)
        if config.strength > self.model.strength:
            learned = self.model.strength
            self.notes.append(f"'{self.model.identity.name}' paints at strength {learned:g} at most; so does this")

    def __iter__(self) -> Iterator[Step]:
        if self.last is not None:
            return
        began = time.perf_counter()
        styles = [seen_style(style, self.config, self.content, self._alpha) for style in self.pictures.styles]
        images = fast_style(
            self.content, self.model, styles,
            [style.weight for style in self.pictures.styles] or None,
            strength=dial(self.config, self.model), style_px=max(self.plan.size) * 64,
            tile=self.plan.tile_px,
        )  # fmt: skip
        self.seconds = time.perf_counter() - began
        self.last = Step(1, 1, 1, 1, 0.0, self.plan.size, self.seconds, images, partial(_same, images))
        yield self.last

    def change(self) -> Tensor | None:
        """Return where the picture may change: everywhere."""
        return None


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


def fast_plan(own: tuple[int, int], config: StyleConfig, model: FastModel) -> StylePlan:
    """Return size and tiles of a picture that is painted in one pass.

    Raises:
        InputError: not even small tiles fit into the memory.
    """
    size = own if config.size is None else long_side(own, config.size)
    budget, used = memory_budget(config.max_memory, model.device)
    tile = tile_side(model, size, config.max_memory) if config.tile is None else config.tile
    layers = ("any style",) if model.takes_styles else ("its own style",)
    return StylePlan((Scale(size, 1, tile),), used, budget, layers=layers)


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


def open_styling(
    source: Any, config: StyleConfig, network: Critic | FastModel | None = None, *, resume: Path | None = None,
    pictures: StylePictures | None = None,
) -> Styling:  # fmt: skip
    """Return a style transfer in many steps or in one pass, as the settings say; see `Styling` and `FastStyling`."""
    if config.fast is None:
        assert not isinstance(network, FastModel)
        return Styling(source, config, network, resume=resume, pictures=pictures)
    assert not isinstance(network, Critic)
    return FastStyling(source, config, network, pictures=pictures)


@torch.no_grad()
def _same(images: Tensor) -> Tensor:
    return images
