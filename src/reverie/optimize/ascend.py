"""Raise an objective: by normalized gradient steps on pixels, or by Adam on any canvas.

The one minus sign of the project, objectives being scores to raise and optimizers being made to lower, stands here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from reverie.canvas.pixels import PixelCanvas
from reverie.errors import GradientError
from reverie.numerics.gradient import NORMALIZATIONS
from reverie.optimize.gradient import DEAD, Ascent
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.tiles import Tile
from reverie.optimize.together import Together

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
    """

    index: int
    total: int
    octave: int
    octaves: int
    score: float
    size: tuple[int, int]
    seconds: float
    images: Tensor


@dataclass(frozen=True)
class StepRule:
    """Size of a step in [0, 1] pixel units and how the gradient is normalized before it."""

    size: float = 0.006
    normalization: str = "mean-abs"


def ascend_pixels(
    canvas: PixelCanvas, ascent: Ascent | Together, rule: StepRule, steps: int, generator: Generator, *,
    tiles: Sequence[Tile] = (), mask: Tensor | None = None,
) -> Iterator[tuple[float, float]]:  # fmt: skip
    """Step the pixels uphill and yield (score, seconds) after every step.

    `mask` ``[1, 1, H, W]`` in [0, 1] scales the step; the gradient is normalized by what lies inside it.
    """
    normalize = NORMALIZATIONS[rule.normalization]
    for _ in range(steps):
        began = time.perf_counter()
        score, step = ascent.direction(canvas.pixels.detach(), generator, tiles, mask, normalize)
        with torch.no_grad():
            canvas.pixels.add_(step, alpha=rule.size)
            canvas.clip_()
        yield score, time.perf_counter() - began


def ascend_canvas(
    canvas: nn.Module, ascent: Ascent, steps: int, lr: float, generator: Generator
) -> Iterator[tuple[float, float, Tensor]]:
    """Raise the objective by Adam on the parameters of any canvas; yields (score, seconds, images) after every step.

    Raises:
        GradientError: the score is not a number, or nothing reaches the canvas.
    """
    parameters = list(canvas.parameters())
    optimizer = torch.optim.Adam(parameters, lr=lr)
    images = canvas()
    for number in range(steps):
        began = time.perf_counter()
        down, right = ascent.transforms.shift(generator)
        shifted = torch.roll(images, (down, right), (-2, -1))
        with redirected_relu() if number < REDIRECT_STEPS else torch.enable_grad():
            score = ascent.look(shifted, (down, right), generator).sum()
        if not torch.isfinite(score):
            raise GradientError("the score is not a number; try --precision fp32 or a smaller step")
        gradients = torch.autograd.grad(score, parameters)  # of the score itself: a redirected ReLU must see its sign
        if number == 0 and not any(g.any() for g in gradients):
            raise GradientError(DEAD)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = -gradient
        optimizer.step()
        images = canvas()
        yield score.item(), time.perf_counter() - began, images.detach()
