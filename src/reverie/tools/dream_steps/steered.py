"""Where a dream is heading: what it raises, how strongly and in which tiles; as given, then as steered."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from torch import Generator, Tensor

from reverie.errors import InputError
from reverie.optimize.ascend import StepRule
from reverie.optimize.gradient import Ascent
from reverie.optimize.together import Together
from reverie.settings import without_rivals
from reverie.tools.dream.config import DreamConfig

if TYPE_CHECKING:
    from reverie.jobs.job import Json
    from reverie.tools.dream_steps.ascent import Plan

WEAKEST, STRONGEST = 0.01, 100.0
Decide = Callable[[DreamConfig], "tuple[Ascent | Together, Plan]"]


@dataclass
class Steered:
    """What the next step does.

    Attributes:
        config: the settings that the ascent follows.
        plan: the tiles of every octave, which depend on what is raised.
        ascent: what is raised.
        generator: the randomness of the steps; balancing layers draws from it.
        decide: gives ascent and plan for other settings.
        strength: factor on the step size.
        base: the picture that the octave began with, ``[1, 3, H, W]``.
        images: the picture as it is, once there was a step.
    """

    config: DreamConfig
    plan: Plan
    ascent: Ascent | Together
    generator: Generator
    decide: Decide
    strength: float = 1.0
    base: Tensor | None = None
    images: Tensor | None = None
    _asked: list[Callable[[Tensor], None]] = field(default_factory=list)

    @property
    def rule(self) -> StepRule:
        """Size and normalization of the next step."""
        return StepRule(self.config.pace * self.strength, self.config.normalize)

    @property
    def here(self) -> Ascent | Together:
        """What is raised, at this octave."""
        return self.ascent if self.base is None else self.ascent.on(self.base)

    def begin_step(self, images: Tensor) -> None:
        """Take up the steered before a step on `images`, with what was asked for since the last one."""
        if self.images is None:
            self.ascent = self._balanced(self.ascent, self.plan, images)
        self.images = images
        asked, self._asked = self._asked, []
        for change in asked:
            change(images)

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Change strength or layer from the next step on; see `reverie.jobs.work.Work.control`.

        Raises:
            InputError: neither, or a value that cannot be used.
            GradientError: nothing of that layer reaches the picture.
        """
        if "layer" in change:
            return self._turn_to(change)
        if "strength" not in change:
            raise InputError(f"this version cannot steer by '{next(iter(change), '')}'")
        strength = checked_strength(change["strength"])

        def apply(_: Tensor) -> None:
            self.strength = strength

        self._asked.append(apply)
        return {"strength": strength}

    def _turn_to(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        layers, tile = _names(change["layer"]), change.get("tile", self.config.tile)
        config = layer_alone(self.config, layers)
        ascent, plan = self.decide(replace(config, tile=tile or None))
        if self.images is not None:  # a dead layer is refused now, not at the next step
            state = self.generator.get_state()
            trial = Generator()
            trial.set_state(state)
            balanced = self._balanced(ascent, plan, self.images)
            self.generator.set_state(state)
            assert isinstance(balanced, Ascent)
            balanced.gradient(self.images, trial, plan.tiles(_size(self.images)))

        def apply(images: Tensor) -> None:
            self.config, self.plan = config, plan
            self.ascent = self._balanced(ascent, plan, images)

        self._asked.append(apply)
        return {"layer": list(layers), "tile": plan.tile_px}

    def _balanced(self, ascent: Ascent | Together, plan: Plan, images: Tensor) -> Ascent | Together:
        return ascent.balanced(images, self.generator, plan.tiles(_size(images)), self.base)


def layer_alone(config: DreamConfig, layers: tuple[str, ...]) -> DreamConfig:
    """Return the settings with layers in place of whatever is raised: what goes with no class goes with none."""
    kept = without_rivals(DreamConfig, vars(config), {"class_name": "any"})
    return DreamConfig(**{**kept, "class_name": None, "layer": layers})


def checked_strength(value: object) -> float:
    """Return a factor on the step size.

    Raises:
        InputError: not a number from 0.01 to 100.
    """
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not known or not WEAKEST <= float(value) <= STRONGEST:  # type: ignore[arg-type]
        raise InputError(f"the strength must be a number from {WEAKEST:g} to {STRONGEST:g}; got {value!r}")
    return float(value)  # type: ignore[arg-type]


def _names(value: object) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, (list, tuple)) else ()
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"the layer must be a name; got {value!r}")
    return names


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[-2], images.shape[-1]
