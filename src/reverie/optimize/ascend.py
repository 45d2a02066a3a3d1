"""Raise an objective: by normalized gradient steps on pixels, or by Adam on any canvas.

The one minus sign of the project, objectives being scores to raise and optimizers being made to lower, stands here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reverie.canvas.pixels import PixelCanvas
from reverie.errors import GradientError
from reverie.numerics.gradient import NORMALIZATIONS
from reverie.optimize.ensemble import Slope
from reverie.optimize.gradient import DEAD, Ascent
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.tiles import Tile
from reverie.optimize.together import Together

Pace = Callable[[int, Tensor], tuple[Slope, float] | None]
"""Asked with the number of the next step, from 1, and the images before it; ``None`` ends the run."""
PREVIEW_PX = 1600
REDIRECT_STEPS = 16  # as in Lucid: enough for a dead channel to wake up


@dataclass(frozen=True, eq=False)
class Step:
    """One iteration as the terminal, a browser or a cluster sees it.

    Attributes:
        index: number of this step, from 1.
        total: number of steps of the whole run.
        octave: number of the octave, from 1, out of `octaves`.
        score: value of the objective before the step.
        size: height and width of the picture in this octave.
        seconds: duration of this step.
        images: ``[B, 3, H, W]`` in [0, 1], the picture after the step; not a copy, valid until the next step.
        enlarge: gives the picture at its final size, in octaves that are smaller; see `whole`.
    """

    index: int
    total: int
    octave: int
    octaves: int
    score: float
    size: tuple[int, int]
    seconds: float
    images: Tensor
    enlarge: Callable[[], Tensor] | None = None

    def whole(self) -> Tensor:
        """Return the picture at its final size, as it would be if the run ended here; valid until the next step."""
        return self.images if self.enlarge is None else self.enlarge()

    # -- the same as every work says it: done of total, where it stands, what it scores, what there is to see ----

    @property
    def done(self) -> int:
        """Number of this step."""
        return self.index

    @property
    def unit(self) -> str:
        """What is counted."""
        return "steps"

    @property
    def stage(self) -> str:
        """Octave and size in words."""
        return f"octave {self.octave}/{self.octaves}  {self.size[1]} x {self.size[0]} px"

    @property
    def scores(self) -> dict[str, float]:
        """The objective."""
        return {"score": self.score}

    @property
    def weight(self) -> float:
        """Pixels: what the time of a step goes with."""
        return float(self.size[0] * self.size[1])

    def preview(self) -> np.ndarray:
        """Return the picture as it is, ``[h, w, 3]`` uint8, its longer side at most about `PREVIEW_PX`."""
        with torch.no_grad():
            factor = math.ceil(max(self.images.shape[-2:]) / PREVIEW_PX)
            small = self.images[:1]
            small = F.avg_pool2d(small, min(factor, *small.shape[-2:])) if factor > 1 else small
            return small[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()


@dataclass(frozen=True)
class StepRule:
    """Size of a step in [0, 1] pixel units and how the gradient is normalized before it."""

    size: float = 0.006
    normalization: str = "mean-abs"


class Gradient(Protocol):
    """Which way is up: whole, in tiles, of several regions or devices."""

    def __call__(self, images: Tensor, generator: Generator, /) -> tuple[float, Tensor]:
        """Return the summed score of ``[B, 3, H, W]`` in [0, 1], and the direction that raises it, of that shape."""
        ...


Update = Callable[[Tensor, Tensor], None]
"""Moves a canvas: gets its images ``[B, 3, H, W]``, from which gradients reach it, and the direction to go in."""


def ascend(
    canvas: nn.Module, gradient: Gradient, update: Update, steps: int, generator: Generator, *,
    begin: Callable[[int, Tensor], bool] | None = None,
) -> Iterator[tuple[float, float, Tensor]]:  # fmt: skip
    """Raise a score on any canvas; yields (score before the step, seconds, images after it) for every step.

    Args:
        canvas: gives pictures ``[B, 3, H, W]``; one with a `clip_` is clipped after every step.
        gradient: of the score with respect to the pictures.
        update: moves the canvas by it.
        steps: how many.
        generator: of whatever the gradient draws.
        begin: asked before every step, with its number, from 1, and the images; False ends the run.
    """
    images = canvas()
    for number in range(1, steps + 1):
        if begin is not None and not begin(number, images.detach()):
            return
        began = time.perf_counter()
        score, uphill = gradient(images.detach(), generator)
        update(images, uphill)
        del uphill  # as large as the picture, and of no use while the next is computed
        images = _clipped(canvas)()
        yield score, time.perf_counter() - began, images.detach()


def ascend_pixels(
    canvas: PixelCanvas, ascent: Ascent | Together, rule: StepRule, steps: int, generator: Generator, *,
    tiles: Sequence[Tile] = (), mask: Tensor | None = None,
) -> Iterator[tuple[float, float]]:  # fmt: skip
    """Step the pixels uphill and yield (score, seconds) after every step.

    `mask` ``[1, 1, H, W]`` in [0, 1] scales the step; the gradient is normalized by what lies inside it.
    """
    normalize = NORMALIZATIONS[rule.normalization]

    def gradient(images: Tensor, generator: Generator) -> tuple[float, Tensor]:
        return ascent.direction(images, generator, tiles, mask, normalize)

    @torch.no_grad()
    def update(images: Tensor, uphill: Tensor) -> None:
        canvas.pixels.add_(uphill, alpha=rule.size)

    for score, seconds, _ in ascend(canvas, gradient, update, steps, generator):
        yield score, seconds


@dataclass(frozen=True)
class CanvasRule:
    """How the parameters of a canvas are moved.

    Attributes:
        lr: learning rate.
        method: ``adam`` or ``nadam`` (Adam with Nesterov's momentum, Dozat 2016).
        betas: decay of the two running means.
        anneal: let the learning rate fall to zero along half a cosine.
    """

    lr: float
    method: str = "adam"
    betas: tuple[float, float] = (0.9, 0.999)
    anneal: bool = False

    def optimizer(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """Return a fresh optimizer."""
        kinds = {"adam": torch.optim.Adam, "nadam": torch.optim.NAdam}
        return kinds[self.method](parameters, lr=self.lr, betas=self.betas)

    def rate(self, number: int, steps: int) -> float:
        """Return the learning rate of step `number`, from 0, out of `steps`."""
        return self.lr * (1 + math.cos(math.pi * number / steps)) / 2 if self.anneal else self.lr


def ascend_canvas(
    canvas: nn.Module, ascent: Slope, steps: int, rule: CanvasRule | float, generator: Generator, *,
    attention: Tensor | None = None, pace: Pace | None = None,
) -> Iterator[tuple[float, float, Tensor]]:  # fmt: skip
    """Raise the objective on the parameters of any canvas; yields (score, seconds, images) after each of `steps`.

    Args:
        canvas: gives pictures ``[B, 3, H, W]``; one with a `clip_` is clipped after every step.
        ascent: what is raised, and how it is looked at: by one network or by an ensemble.
        steps: their number.
        rule: how parameters move; a number is the learning rate of Adam.
        generator: of the transforms.
        attention: ``[B, 1, H, W]``, takes up the magnitude of the gradient at every pixel, summed over all steps.
        pace: asked before every step for the ascent and the learning rate that hold from there; overrides `rule.rate`.

    Raises:
        GradientError: the score is not a number, or nothing reaches the canvas.
    """
    rule = rule if isinstance(rule, CanvasRule) else CanvasRule(rule)
    own, now = list(canvas.parameters()), [(ascent, 0.0)]
    mover = Mover(own, rule.optimizer(own))

    def begin(number: int, images: Tensor) -> bool:
        paced = (ascent, rule.rate(number - 1, steps)) if pace is None else pace(number, images)
        now[0] = paced or now[0]
        return paced is not None

    def gradient(images: Tensor, generator: Generator) -> tuple[float, Tensor]:
        with redirected_relu() if mover.moved < REDIRECT_STEPS else torch.enable_grad():
            score, uphill = now[0][0].slope(images, generator)
        if attention is not None:
            attention.add_(uphill.abs().sum(1, keepdim=True))
        return score, uphill

    def update(images: Tensor, uphill: Tensor) -> None:
        found = torch.autograd.grad(images, own, uphill)
        _check_reached([mover], found)
        mover.move(found, now[0][1])

    yield from ascend(canvas, gradient, update, steps, generator, begin=begin)


@dataclass(eq=False)
class Mover:
    """Parameters that are moved together, and the optimizer that moves them; `moved` is how often it did."""

    parameters: Sequence[Tensor]
    optimizer: torch.optim.Optimizer
    moved: int = 0

    def move(self, uphill: Sequence[Tensor], lr: float) -> None:
        """Take one step."""
        move_uphill(self.optimizer, self.parameters, uphill, lr)
        self.moved += 1


def climb(score: Tensor, movers: Sequence[Mover], rates: Sequence[float], *, may_rest: bool = False) -> float:
    """Take one step of everything that moves, each at its rate, and return the score before it.

    For canvases whose score is no function of their pictures alone, such as a mesh with its masks. `may_rest` is
    whether the first step may find nothing to do.

    Raises:
        GradientError: the score is not a number, or, at the first step, nothing reaches what moves.
    """
    if not torch.isfinite(score):
        raise GradientError("the score is not a number; try --precision fp32 or smaller rates")
    gradients = list(torch.autograd.grad(score, [p for mover in movers for p in mover.parameters]))
    if not may_rest:
        _check_reached(movers, gradients)
    for mover, lr in zip(movers, rates, strict=True):
        own, gradients = gradients[: len(mover.parameters)], gradients[len(mover.parameters) :]
        mover.move(own, lr)
    return score.item()


def _check_reached(movers: Sequence[Mover], gradients: Sequence[Tensor]) -> None:
    """Raise a GradientError where nothing has moved yet and no gradient would move it."""
    if not any(mover.moved for mover in movers) and not any(g.any() for g in gradients):
        raise GradientError(DEAD)


def move_uphill(
    optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor], uphill: Sequence[Tensor], lr: float,
    score: float | None = None,
) -> None:  # fmt: skip
    """Take one step of an optimizer that was made to lower, so that it raises; `score` for those that ask for it."""
    for parameter, gradient in zip(parameters, uphill, strict=False):
        parameter.grad = -gradient
    for group in optimizer.param_groups:
        group["lr"] = lr
    if score is None:
        optimizer.step()
    else:
        optimizer.step(lambda: -score)


def _clipped(canvas: nn.Module) -> nn.Module:
    clip = getattr(canvas, "clip_", None)  # any canvas may have bounds, not pixels alone
    if callable(clip):
        clip()
    return canvas
