"""The ladder of priors: what keeps a picture natural while a network has its way with it.

Each rung is a canvas, a rule by which it moves and what is subtracted from the score. Steps and rates were chosen by
looking at sheets of pictures and by what a second network sees in them (docs/visualize.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor, nn

from reverie.canvas.phase import DECAY, PhaseCanvas
from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import SpectrumCanvas
from reverie.canvas.stack import StackCanvas
from reverie.optimize.ascend import CanvasRule


@dataclass(frozen=True)
class Start:
    """What a canvas begins with: height and width, how many pictures, colors, and a measured spectrum or none."""

    size: tuple[int, int]
    batch: int
    matrix: Tensor
    profile: Tensor | None = None


@dataclass(frozen=True)
class Prior:
    """One rung of the ladder.

    Attributes:
        canvas: makes the canvas.
        rule: how it moves.
        steps: how often, unless the user says otherwise.
        statistics: weight of the distance from what the network's BatchNorms remember.
        smooth: weight of total variation.
    """

    canvas: Callable[[Start, Generator], nn.Module]
    rule: CanvasRule
    steps: int
    statistics: float = 0.0
    smooth: float = 0.0


def _pixels(start: Start, generator: Generator) -> nn.Module:
    return PixelCanvas.noise(start.size, generator, batch=start.batch, spread=0.05)


def _spectrum(start: Start, generator: Generator) -> nn.Module:
    noise = {"batch": start.batch, "matrix": start.matrix, "spread": 0.2}
    return SpectrumCanvas.noise(start.size, generator, decay=DECAY, **noise)


def _stack(start: Start, generator: Generator) -> nn.Module:
    return StackCanvas.noise(start.size, generator, batch=start.batch, matrix=start.matrix)


def _phase(start: Start, generator: Generator) -> nn.Module:
    return PhaseCanvas.noise(start.size, generator, batch=start.batch, matrix=start.matrix, profile=start.profile)


STEPS = 128
PRIORS: dict[str, Prior] = {
    "pixel": Prior(_pixels, CanvasRule(0.02, anneal=True), STEPS),
    "fourier": Prior(_spectrum, CanvasRule(0.1, anneal=True), STEPS),
    "stack": Prior(_stack, CanvasRule(0.008, anneal=True), STEPS),
    "bn": Prior(_stack, CanvasRule(0.008, anneal=True), STEPS, statistics=5.0),
    "maco": Prior(_phase, CanvasRule(1.0, "nadam", anneal=True), STEPS),
}
