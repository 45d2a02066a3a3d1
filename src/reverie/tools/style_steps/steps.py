"""Style transfer: a picture that keeps its content and takes on the statistics of others.

From coarse to fine: at every scale the picture of the one before is enlarged and worked on, with Adam's running means
enlarged alongside; what is shown and kept is the running average of the iterates.
Source: Gatys, Ecker, Bethge 2015, arXiv 1508.06576; scales, warm start, averages as in style-transfer-pytorch (2021).
Differs: every score is divided by its value at the content picture, so that a strength means the same on any network,
size and number of styles; tiles are exact (`reverie.optimize.two_pass`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from reverie.critic.critic import Critic
from reverie.errors import GradientError
from reverie.jobs.seed import seed_for
from reverie.numerics.resample import resize_wrapped
from reverie.objective import Objective
from reverie.optimize.ascend import Step, ascend
from reverie.optimize.quasi_newton import QuasiNewton
from reverie.optimize.tiles import Tile
from reverie.optimize.two_pass import TwoPass
from reverie.optimize.warm_adam import Average, WarmAdam
from reverie.settings import check_settings
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import StylePictures
from reverie.tools.style_steps.plan import Scale, StylePlan, wrap_of
from reverie.tools.style_steps.start import first_picture

PLATEAU_STEPS = 50
MEMORY_SHARE = 6.0  # steps of a scale over those that its average remembers
SHIFTS = ((0, 0), (3, 10), (13, 6), (6, 1))  # odd and even, within the usual stride of 16: no grid shows through


class Terms(Protocol):
    """What is raised at each scale, and where a picture may change; see `StyleTerms`."""

    @property
    def critic(self) -> Critic: ...

    def at(self, content: Tensor, scale: Scale) -> Objective:
        """Return what to raise at one scale of a content picture ``[1, 3, H, W]``."""
        ...

    def change(self, size: tuple[int, int]) -> Tensor | None:
        """Return where the picture may change, ``[1, 1, *size]``; None if everywhere."""
        ...


@dataclass(eq=False)
class StyleState:
    """Where a run stands: enough to go on with the same bytes.

    Attributes:
        scale: number of the scale, from 0.
        step: steps done at it.
        index: steps done in all.
        pixels: ``[1, 3, H, W]``, the iterate.
        adam: running means.
        average: of the iterates at this scale.
        scores: of the steps at this scale.
        rolled_back: how often a step was taken back, because its score was no number or far worse.
    """

    scale: int = 0
    step: int = 0
    index: int = 0
    pixels: Tensor | None = None
    adam: WarmAdam | None = None
    average: Average | None = None
    scores: list[float] = field(default_factory=list)
    rolled_back: int = 0

    def move(self, device: torch.device) -> None:
        """Bring everything to a device; what was read from a file lies on the CPU."""
        self.pixels = None if self.pixels is None else self.pixels.to(device)
        if self.adam is not None and self.adam.first is not None and self.adam.second is not None:
            self.adam.first, self.adam.second = self.adam.first.to(device), self.adam.second.to(device)
        if self.average is not None and self.average.total is not None:
            self.average.total = self.average.total.to(device)

    def shown(self) -> Tensor:
        """Return the averaged picture at its present size."""
        assert self.average is not None
        return self.average.value()


def style_steps(
    content: Tensor, pictures: StylePictures, config: StyleConfig, plan: StylePlan, terms: Terms,
    state: StyleState | None = None,
) -> Iterator[Step]:  # fmt: skip
    """Paint a picture in a style and yield a `Step` per iteration.

    `Step.images` is the iterate, `Step.whole()` the averaged picture at its final size, which is the result.

    Args:
        content: ``[1, 3, H, W]`` float32 in [0, 1], at the final size of the plan.
        pictures: the styles and masks.
        config: the settings.
        plan: from `plan_style`.
        terms: what is raised at each scale.
        state: where to go on; it is kept up to date while the run goes on. A new one if absent.

    Raises:
        InputError: settings that do not fit the network or the pictures.
        GradientError: the score is not a number.
    """
    check_settings(config)
    state = StyleState() if state is None else state
    if _asks_for_nothing(config):
        _finish_with(content.to(terms.critic.device), state, plan)
    while state.scale < len(plan.scales):
        scale = plan.scales[state.scale]
        yield from _at_scale(content, pictures, config, plan, scale, terms, state)
        if state.scale + 1 == len(plan.scales):
            return
        _next_scale(state, plan.scales[state.scale + 1], wrap_of(config))


def _at_scale(
    content: Tensor, pictures: StylePictures, config: StyleConfig, plan: StylePlan, scale: Scale, terms: Terms,
    state: StyleState,
) -> Iterator[Step]:  # fmt: skip
    here = resize_wrapped(content, scale.size, wrap_of(config))
    here = here if here is content else here.clamp(0, 1)
    here = here.to(terms.critic.device)
    state.move(here.device)
    if state.pixels is None:
        generator = Generator().manual_seed(seed_for(config.seed, "start"))
        state.pixels = first_picture(here, pictures, config, generator).to(here)
    if state.average is None:
        state.average = Average(decay_for(config.average, scale.steps))
        state.average.add(state.pixels)
    if state.step >= scale.steps:  # nothing was asked for, or a finished run is gone on with
        if state.scale + 1 == len(plan.scales):
            yield Step(state.index, plan.steps, state.scale + 1, len(plan.scales), 0.0, scale.size, 0.0,
                       state.pixels, _whole(state, plan.size, wrap_of(config)))  # fmt: skip
        return
    painting = TwoPass(terms.critic, terms.at(here, scale), here, wrap_of(config), SHIFTS)
    change, mover = terms.change(scale.size), _Mover(config, state, painting, painting.tiles(scale.size, scale.tile_px))
    for score, seconds, pixels in ascend(
        _Pixels(state), mover.gradient, mover.update, scale.steps - state.step, Generator(),
        begin=lambda number, images: not _settled(state.scores, config.plateau),
    ):  # fmt: skip
        if change is not None:
            torch.lerp(here, pixels, change, out=pixels)
        state.average.add(pixels)
        state.step, state.index = state.step + 1, state.index + 1
        state.scores.append(score)
        yield Step(state.index, plan.steps, state.scale + 1, len(plan.scales), score, scale.size, seconds,
                   pixels, _whole(state, plan.size, wrap_of(config)))  # fmt: skip


class _Pixels(nn.Module):
    """The picture of a scale as a canvas: the state's own tensor, which its optimizer keeps in [0, 1]."""

    def __init__(self, state: StyleState) -> None:
        super().__init__()
        self.state = state

    def forward(self, view: object | None = None) -> Tensor:
        assert self.state.pixels is not None
        return self.state.pixels


def _whole(state: StyleState, size: tuple[int, int], wrap: tuple[bool, bool]) -> partial[Tensor]:
    return partial(_enlarged, state, size, wrap)


def _enlarged(state: StyleState, size: tuple[int, int], wrap: tuple[bool, bool]) -> Tensor:
    return resize_wrapped(state.shown(), size, wrap).clamp_(0, 1)


def _next_scale(state: StyleState, scale: Scale, wrap: tuple[bool, bool]) -> None:
    """Take the averaged picture on to the next size, and Adam's running means with it.

    All is computed before any of it is set, so that Ctrl-C leaves a state that fits together.
    """
    pixels = resize_wrapped(state.shown(), scale.size, wrap).clamp_(0, 1).contiguous()
    adam = None if state.adam is None else replace(state.adam)
    if adam is not None:
        adam.grow(scale.size, wrap)
    scores: list[float] = []
    state.pixels, state.adam, state.average, state.scores = pixels, adam, None, scores
    state.scale, state.step = state.scale + 1, 0


def _settled(scores: list[float], plateau: float) -> bool:
    """Tell whether the last steps improved the score by less than a share of its size.

    Means of two windows are compared, since single scores are noisy.
    """
    if plateau == 0 or len(scores) < 2 * PLATEAU_STEPS:
        return False
    late, early = scores[-PLATEAU_STEPS:], scores[-2 * PLATEAU_STEPS : -PLATEAU_STEPS]
    gained = (sum(late) - sum(early)) / PLATEAU_STEPS
    return gained < plateau * abs(sum(early)) / PLATEAU_STEPS


def _asks_for_nothing(config: StyleConfig) -> bool:
    """Tell whether the result is the content as it is: no strength, no dream, and no other start."""
    plain = not (config.regions or config.dream_layer) and config.dream_class is None
    return plain and config.strength == 0 and config.init == "content" and config.init_picture is None


def _finish_with(content: Tensor, state: StyleState, plan: StylePlan) -> None:
    """Set the state to the end of a run whose result is the content."""
    state.scale, state.step, state.index = len(plan.scales) - 1, plan.scales[-1].steps, plan.steps
    state.pixels, state.average = content.clone(), Average(0.0)
    state.average.add(content)


def decay_for(average: float, steps: int) -> float:
    """Return the decay of the averaged picture: over a sixth of the steps at most, or it would lag behind them."""
    return min(average, max(0.0, 1 - MEMORY_SHARE / max(1, steps)))


class _Mover:
    """Moves the pixels of one scale by the optimizer that was asked for; places are drawn anew at every step."""

    def __init__(self, config: StyleConfig, state: StyleState, painting: TwoPass, tiles: tuple[Tile, ...]) -> None:
        self.seed, self.state, self.painting, self.tiles = config.seed, state, painting, tiles
        self.newton = QuasiNewton(config.lr) if config.optimizer == "lbfgs" else None
        if self.newton is None and state.adam is None:
            state.adam = WarmAdam(config.lr)
        self.score, self.lost = 0.0, False

    def gradient(self, images: Tensor, generator: Generator) -> tuple[float, Tensor]:
        """Return the score and the way up; where the score is no number, the last one, and `update` goes back.

        Raises:
            GradientError: the score is not a number, at the first step or again right after going back.
        """
        state = self.state
        draws = generator.manual_seed(seed_for(self.seed, f"{state.scale}/{state.step}"))
        try:
            found = self.painting.scored(images, draws, self.tiles)
        except GradientError:
            if not state.scores or (len(state.scores) > 1 and state.scores[-1] == state.scores[-2]):
                raise
            self.score, self.lost = state.scores[-1], True
            return self.score, images
        self.score, self.lost = found.score, False
        return found.score, found.gradient

    def update(self, images: Tensor, uphill: Tensor) -> None:
        """Take one step, or go back to where the score was a number, with an optimizer that has forgotten."""
        state = self.state
        if self.newton is not None:
            if not self.newton.step(images, uphill, math.nan if self.lost else self.score) or self.lost:
                state.rolled_back += 1
        elif self.lost:
            state.rolled_back += 1
            images.copy_(state.shown())
            state.adam = WarmAdam(state.adam.lr) if state.adam is not None else None
        else:
            assert state.adam is not None
            state.adam.step(images, uphill)
