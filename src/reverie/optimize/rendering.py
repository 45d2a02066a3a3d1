"""One call for researchers: a network, a goal, a canvas, an optimizer and transforms give pictures step by step.

Source: the shape of the call follows `render_vis(model, objective, param, optimizer, transforms)` of Lucid
(Olah, Mordvintsev, Schubert 2017, "Feature Visualization", doi 10.23915/distill.00007).
Differs: it yields every step, so that a loop of the caller's own can look, stop or change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Generator, Tensor, nn

from reverie.canvas.spectrum import SpectrumCanvas
from reverie.critic.critic import Critic
from reverie.critic.wrap import as_critic
from reverie.numerics.color import correlation_matrix
from reverie.optimize.ascend import CanvasRule, Step, ascend_canvas
from reverie.optimize.goal import Goal, as_objective
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Look, Transforms

ROBUST = Transforms(jitter_px=8, scale=0.1, rotate_deg=8.0, noise=0.02)
NOISE_SPREAD = 0.2
LR = 0.05  # Lucid's, from noise
Change: TypeAlias = "Callable[[Tensor], Tensor]"
MakeOptimizer: TypeAlias = "Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]"


@dataclass(frozen=True)
class Chain:
    """Functions of pictures as a way to look at them, one behind the other; they draw from torch's own generator."""

    functions: tuple[Change, ...]

    @property
    def resamples(self) -> bool:
        return bool(self.functions)

    def shift(self, generator: Generator) -> tuple[int, int]:
        """Return no shift: the functions do all."""
        return 0, 0

    def look(self, images: Tensor, generator: Generator) -> Tensor:
        """Return what the functions make of ``[B, 3, H, W]``; repeatable, by a seed drawn from `generator`."""
        seed = int(torch.randint(2**31, (1,), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for function in self.functions:
                images = function(images)
        return images


@dataclass(frozen=True)
class OwnOptimizer(CanvasRule):
    """An optimizer of the caller's own; its first learning rate holds unless he changes it."""

    make: MakeOptimizer | None = None

    def optimizer(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """Return a fresh optimizer."""
        assert self.make is not None
        made = self.make(parameters)
        object.__setattr__(self, "lr", made.param_groups[0]["lr"])
        return made


def as_look(transforms: Look | Change | Sequence[Change] | None) -> Look:
    """Return how pictures are looked at: None for small shifts, turns and scales, which make features robust."""
    if transforms is None:
        return ROBUST
    if hasattr(transforms, "look"):
        return transforms  # type: ignore[return-value]
    functions = tuple(transforms) if isinstance(transforms, Sequence) else (transforms,)
    return Chain(functions)  # type: ignore[arg-type]


def render(
    critic: Critic | nn.Module | str, objective: Goal, canvas: nn.Module | tuple[int, int] = (160, 160),
    optimizer: MakeOptimizer | None = None, transforms: Look | Change | Sequence[Change] | None = None, *,
    steps: int = 256, seed: int = 0,
) -> Iterator[Step]:  # fmt: skip
    """Amplify a goal on a canvas and yield a `Step` per iteration; the last step's images are the result.

    Args:
        critic: a network; see `reverie.critic.wrap.as_critic`.
        objective: what is amplified; see `reverie.optimize.goal.as_objective`.
        canvas: gives pictures ``[B, 3, H, W]`` in [0, 1] and has parameters; (height, width) for a Fourier spectrum
            that begins as noise.
        optimizer: makes a torch optimizer of the canvas's parameters; Adam with 0.05 by default. It is handed the
            gradient of what is to be lowered, as every torch optimizer expects.
        transforms: functions ``[B, 3, H, W] -> [B, 3, h, w]``, one or several, differentiable; or `Transforms`.
        steps: how many.
        seed: of the noise and the transforms: the same number, the same bytes.

    Raises:
        InputError: network, goal or canvas that cannot be used.
        GradientError: nothing reaches the canvas.
    """
    seen = as_critic(critic)
    generator = Generator().manual_seed(seed)
    if not isinstance(canvas, nn.Module):
        matrix = correlation_matrix(seen.identity.color_correlation)
        canvas = SpectrumCanvas.noise(canvas, generator, matrix=matrix, spread=NOISE_SPREAD).to(seen.device)
    ascent = Ascent(seen, as_objective(objective, seen), as_look(transforms))
    rule = CanvasRule(LR) if optimizer is None else OwnOptimizer(LR, make=optimizer)
    for index, (score, seconds, images) in enumerate(ascend_canvas(canvas, ascent, steps, rule, generator), start=1):
        size = (images.shape[-2], images.shape[-1])
        yield Step(index, steps, 1, 1, score, size, seconds, images)
