"""The loop of `mesh style` and `mesh dream`: look at a mesh from drawn cameras, score the pictures, move what moves.

What stands here is what all of it shares: stages from small to large pictures, texture and vertices with an optimizer
each, the result and its views.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Generator, Tensor, nn

from reverie.canvas.masked import MaskedCanvas
from reverie.canvas.mesh import MeshCanvas, Shape, Views
from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.solid import SolidCanvas
from reverie.canvas.spectrum import SpectrumCanvas
from reverie.canvas.stack import StackCanvas
from reverie.jobs.seed import seed_for
from reverie.jobs.work import Report
from reverie.optimize.ascend import Mover, climb
from reverie.render.bake import TexelMap
from reverie.render.camera import Around, Camera, turntable
from reverie.render.light import LIGHTS
from reverie.tools.mesh.config import UNGUARDED, AscentSettings, ViewSettings
from reverie.tools.mesh.guard import Guard
from reverie.tools.mesh.model import Model

LEAST_STAGE_PX = 96
RATES = {"solid": 0.1, "stack": 0.02, "spectrum": 0.05, "pixels": 0.02}  # what a parameter may move in a step
PREVIEW = turntable(2, start_deg=30)


@dataclass(frozen=True)
class Stage:
    """A number of steps at one size of the pictures."""

    size_px: int
    steps: int


def stages_of(config: ViewSettings) -> list[Stage]:
    """Return half the steps at half the size, and the rest at the full one."""
    half = config.steps // 2
    small = config.size // 2
    if small < LEAST_STAGE_PX or not half:
        return [Stage(config.size, config.steps)]
    return [Stage(small, half), Stage(config.size, config.steps - half)]


class Goal(Protocol):
    """What is raised."""

    def begin(self, stage: Stage, canvas: MeshCanvas, cameras: Sequence[Camera]) -> None:
        """Get ready for pictures of another size."""
        ...

    def score(self, views: Views, cameras: Sequence[Camera], generator: Generator) -> Tensor:
        """Return the score of one step's pictures, a number."""
        ...

    def background(self, generator: Generator) -> Tensor:
        """Return what stands behind the mesh, a color ``[3]``."""
        ...


class MeshAscent:
    """Raises a goal on the texture of a mesh, its vertices, or both.

    Args:
        model: the mesh.
        config: how it is looked at and moved.
        goal: what is raised.
        seed: of cameras, lights and backgrounds.
        paints, moves: whether texture and vertices change.
        free: ``[T, U]`` in [0, 1], where the texture may change; everywhere if absent.
        held: ``[V]``, 1 for vertices that stay; none if absent.

    Attributes:
        way: vertices ``[V, 3]`` at a few steps, from the first on.
    """

    def __init__(
        self, model: Model, config: AscentSettings, goal: Goal, seed: int, *, paints: bool = True, moves: bool = False,
        free: Tensor | None = None, held: Tensor | None = None,
    ) -> None:  # fmt: skip
        self.free = free
        self.model, self.config, self.goal = model, config, goal
        self.generator = Generator().manual_seed(seed_for(seed, "mesh"))
        self.stages = stages_of(config)
        self.texels = model.texels(working_side(config))
        self.texture = texture_canvas(config.texture, model, self.texels)
        self.stiffness = stiffness_of(config)
        self.shape = shape_of(model, config, self.stiffness[0], held) if moves else None
        guards = moves and config.most_folds < UNGUARDED
        self.guard = Guard(model.mesh.vertices, model.mesh.faces, config.most_folds) if guards else None
        self.paints = paints
        self.way: list[Tensor] = []
        shown = self.texture
        if free is not None:
            shown = MaskedCanvas(self.texture, model.look(self.texels), free[None, None])
        self.canvas = MeshCanvas(
            shown, model.surface, model.mips(self.texels), (config.size, config.size), shape=self.shape,
            fuses=config.schedule != "even", turns=config.turns,
        )  # fmt: skip
        around = Around((config.lowest, max(config.highest, config.lowest)), roll_deg=5.0)
        self.pool = around.draw(POOL, self.generator)

    def steps(self) -> Iterator[Report]:
        """Move step by step."""
        done, total = 0, sum(stage.steps for stage in self.stages)
        keep = max(1, total // WAY)
        movers = self._movers()
        for number, stage in enumerate(self.stages, start=1):
            self.canvas.size = (stage.size_px, stage.size_px)
            self.goal.begin(stage, self.canvas, self.pool)
            where = f"size {number}/{len(self.stages)}  {stage.size_px} px"
            weight = (stage.size_px / self.config.size) ** 2
            for _ in range(stage.steps):
                if self.shape is not None and done % keep == 0:
                    self.way.append(self.shape().detach())
                if self._loosened(done, total):
                    movers = [*movers[:-1], self._shape_mover()]
                score = self._step(movers, done, total)
                done += 1
                if self.shape is not None and self.guard is not None and self.guard.took_back(self.shape, done):
                    self._rates[-1] = self._shape_rate(self.shape)
                    movers = [*movers[:-1], self._shape_mover()]
                yield Report(done, total, "steps", where, {"score": score}, weight, self.preview)

    def preview(self) -> np.ndarray:
        """Return two sides of the mesh as it is now, ``[H, 2 H, 3]``."""
        with torch.no_grad():
            seen = self.canvas.views(PREVIEW, [LIGHTS[self.config.lamp](self.generator)] * 2)
        return torch.cat(list(seen.images), 2).permute(1, 2, 0).clamp(0, 1).numpy()

    def _step(self, movers: list[Mover], done: int, total: int) -> float:
        chosen = torch.randint(len(self.pool), (self.config.views,), generator=self.generator).tolist()
        cameras = [self.pool[i] for i in chosen]
        lights = [LIGHTS[self.config.lamp](self.generator) for _ in cameras]
        grounds = [self.goal.background(self.generator) for _ in cameras]
        score = self.goal.score(self.canvas.views(cameras, lights, grounds), cameras, self.generator)
        found = climb(score, movers, [annealed(rate, done, total) for rate in self._rates])
        clip = getattr(self.texture, "clip_", None)
        if callable(clip):
            clip()
        return found

    def _movers(self) -> list[Mover]:
        found: list[Mover] = []
        self._rates: list[float] = []
        if self.paints:
            own = list(self.texture.parameters())
            found.append(Mover(own, torch.optim.Adam(own, betas=(0.9, 0.99))))
            self._rates.append(RATES[self.config.texture] * self.config.texture_rate)
        if self.shape is not None:
            found.append(self._shape_mover())
            self._rates.append(self._shape_rate(self.shape))
        return found

    def _shape_rate(self, shape: Shape) -> float:
        pace = 1.0 if self.guard is None else self.guard.pace
        return pace * self.config.shape_rate * (1 + shape.smoothness) ** 0.5

    def _shape_mover(self) -> Mover:
        assert self.shape is not None
        own = list(self.shape.parameters())
        # not UniformAdam: what networks ask for is strong in few places, and the rest would stand still
        return Mover(own, torch.optim.Adam(own))

    def _loosened(self, done: int, total: int) -> bool:
        """Let neighbors move less together, if it is time for that."""
        number = min(len(self.stiffness) * done // max(1, total), len(self.stiffness) - 1)
        if self.shape is None or self.shape.smoothness == self.stiffness[number]:
            return False
        self.shape = self.canvas.shape = self.shape.restaged(self.stiffness[number])
        self._rates[-1] = self._shape_rate(self.shape)
        return True


STIFFNESS = (100.0, 30.0)  # before that of the settings: forms that are broad come first
WAY = 8  # shapes kept of the way to the result
POOL = 64  # cameras of a run: what each sees is worked out once


def annealed(rate: float, done: int, total: int) -> float:
    """Return the rate of step `done`, from 0: it falls along half a cosine to a tenth."""
    return rate * (0.1 + 0.45 * (1 + math.cos(math.pi * done / max(1, total))))


def working_side(config: AscentSettings) -> int:
    """Return the side of the texture while it changes: about as many texels as the views have pixels of it."""
    side = 1 << max(7, math.ceil(math.log2(2 * config.size)))
    return min(side, max(config.texture_size, 64))


def texture_canvas(kind: str, model: Model, texels: TexelMap) -> nn.Module:
    """Return a canvas that begins with the look of the file."""
    base = model.look(texels)
    makers: dict[str, Callable[[], nn.Module]] = {
        "solid": lambda: SolidCanvas(model.positions(texels), texels.covered, base, finest=texels.size[0] // 2),
        "stack": lambda: StackCanvas.from_images(base),
        "spectrum": lambda: SpectrumCanvas.from_images(base),
        "pixels": lambda: PixelCanvas(base),
    }
    return makers[kind]()


def stiffness_of(config: AscentSettings) -> tuple[float, ...]:
    """Return how far neighbors move together in each stage of the vertices; equally many steps for each."""
    if config.schedule == "even":
        return (config.smoothness,)
    return (*(each for each in STIFFNESS if each > 2 * config.smoothness), config.smoothness)


def shape_of(model: Model, config: AscentSettings, smoothness: float, held: Tensor | None = None) -> Shape:
    """Return the vertices of a model, free to move."""
    return Shape(model.surface.vertices, model.surface.edges.ends, smoothness, reach=config.reach, held=held)
