"""Where a dream is heading: what it raises, how strongly and in which tiles; as given, then as steered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torch import Generator, Tensor

from reverie.errors import InputError, ReverieError
from reverie.optimize.ascend import StepRule
from reverie.optimize.gradient import Ascent
from reverie.optimize.together import Together
from reverie.tools.dream_config import DreamConfig
from reverie.tools.steering import Steering

if TYPE_CHECKING:
    from reverie.tools.dream import Plan

# What a layer that is asked for takes the place of.
ALONE: dict[str, Any] = {
    "channel": (), "class_name": None, "guide": None, "guide_class": None, "caricature": False, "group": (),
}  # fmt: skip
Decide = Callable[[DreamConfig], "tuple[Ascent | Together, Plan]"]


@dataclass
class Course:
    """What the next step does.

    Attributes:
        config: the settings that the ascent follows.
        plan: the tiles of every octave, which depend on what is raised.
        ascent: what is raised.
        generator: the randomness of the steps; balancing layers draws from it.
        decide: gives ascent and plan for other settings.
        steering: who may change the course.
        strength: factor on the step size.
        base: the picture that the octave began with, ``[1, 3, H, W]``.
    """

    config: DreamConfig
    plan: Plan
    ascent: Ascent | Together
    generator: Generator
    decide: Decide
    steering: Steering | None = None
    strength: float = 1.0
    begun: bool = False
    base: Tensor | None = None

    @property
    def rule(self) -> StepRule:
        return StepRule(self.config.step_size * self.strength, self.config.normalize)

    @property
    def here(self) -> Ascent | Together:
        """What is raised, at this octave."""
        return self.ascent if self.base is None else self.ascent.on(self.base)

    def goes_on(self, index: int, images: Tensor) -> bool:
        """Apply what was asked for before step `index` on `images`; False if the dream is to stop before it."""
        changes = [] if self.steering is None else self.steering.take(index)
        if changes is None:
            return False
        if not self.begun:
            self.ascent, self.begun = self._balanced(self.ascent, self.plan, images), True
        for change in changes:
            self._change(index, images, change)
        return True

    def _change(self, index: int, images: Tensor, change: dict[str, Any]) -> None:
        assert self.steering is not None
        state = self.generator.get_state()
        try:
            if "layer" in change:
                self._turn_to(images, tuple(change["layer"]), change.get("tile", self.config.tile))
                change = change | {"tile": self.plan.tile_px}
            elif "strength" in change:
                self.strength = float(change["strength"])
            else:
                raise InputError(f"this version cannot steer by '{next(iter(change), '')}'")
        except ReverieError as error:
            if self.steering.replays:
                raise
            self.generator.set_state(state)
            self.steering.refuse(str(error))
        else:
            self.steering.record(index, change)

    def _turn_to(self, images: Tensor, layers: tuple[str, ...], tile: int | None) -> None:
        config = replace(self.config, layer=layers, **ALONE)
        ascent, plan = self.decide(replace(config, tile=tile or None))
        ascent = self._balanced(ascent, plan, images)
        trial = Generator()
        trial.set_state(self.generator.get_state())
        assert isinstance(ascent, Ascent)
        ascent.gradient(images, trial, plan.tiles(_size(images)))  # a dead layer is refused now, not at the next step
        self.config, self.ascent, self.plan = config, ascent, plan

    def _balanced(self, ascent: Ascent | Together, plan: Plan, images: Tensor) -> Ascent | Together:
        return ascent.balanced(images, self.generator, plan.tiles(_size(images)), self.base)


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[-2], images.shape[-1]
