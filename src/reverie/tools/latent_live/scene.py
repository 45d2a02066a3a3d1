"""Latent space as a scene: a smooth way through seeds, and moves along directions, truncation and speed beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reverie.errors import InputError, unknown_name
from reverie.tools.latent.config import parse_numbers
from reverie.tools.latent.model import BF16_FROM_PX, LatentModel, as_bytes, enlarged
from reverie.tools.latent_films.paths import spline
from reverie.tools.latent_search.directions import Directions, parse_target
from reverie.tools.live.reactions import Action

BOUNDS = {"truncation": (-1.0, 2.0), "speed": (-4.0, 4.0), "place": (-1.0, 1.0)}
MOST_STDS = 6.0  # along a direction
GLIDE_S = 0.6  # in which most of the way to a seed that is called is gone
DIRECTION = re.compile(r"direction (\d+(?:@[\w-]+)?)")
USUAL = """
moves:
  direction 0: {signal: mouse x, from: -2.5, to: 2.5}
  direction 1: {signal: mouse y, from: 2.5, to: -2.5}
  speed:
    - {signal: key ArrowRight, from: SPEED, to: 1, rate: 2}
    - {signal: key ArrowLeft, from: 0, to: -1, rate: 2}
  truncation:
    - {signal: key ArrowUp, from: PSI, to: 1.3, rate: 0.8}
    - {signal: key ArrowDown, from: 0, to: -0.7, rate: 0.8}
"""


@dataclass(frozen=True, eq=False)
class Pose:
    """Where latent space is shown: ws ``[num_ws, w_dim]``."""

    ws: Tensor


class LatentScene:
    """See `reverie.tools.live.work.Scene`.

    Args:
        model: draws.
        seeds: that the way passes; it closes.
        directions: for moves along them; None where there are none.
        speed: seeds a second, where nothing else says.
        height: of the frames; None for the network's own.
    """

    def __init__(
        self, model: LatentModel, seeds: str, directions: Directions | None, speed: float, height: int | None = None
    ) -> None:
        self.model, self._directions, self._speed, self._height = model, directions, speed, height
        numbers = parse_numbers(seeds)
        points = torch.stack([model.ws_of_seed(seed, 1.0) for seed in numbers])
        centers = torch.stack([model.center(model.class_of_seed(seed)) for seed in numbers])
        self._count = len(numbers)
        self._curve, self._center = spline(points, closed=True), spline(centers, closed=True)
        self._place, self._called, self._near = 0.0, None, 0.0
        width, tall = model.config.size[1], model.config.size[0]
        self.size = (tall, width) if height is None else (height, round(width * height / tall))
        self.usual = USUAL.replace("SPEED", f"{speed:g}").replace("PSI", f"{model.settings.truncation:g}")
        self.drafts = max(model.config.size) >= BF16_FROM_PX
        if self.drafts:
            _ = model.proxy  # fitted now, not while somebody looks
        self._targets: dict[str, tuple[int, tuple[int, ...]]] = {}

    def bounds(self, parameter: str) -> tuple[float, float]:
        """Return between what a parameter may be: truncation, speed (seeds a second), place, direction N."""
        if parameter in BOUNDS:
            return BOUNDS[parameter]
        match = DIRECTION.fullmatch(parameter)
        if match is None:
            raise InputError(unknown_name("parameter", parameter, (*BOUNDS, "direction 0", "direction 1@fine")))
        number, layers = parse_target(match[1], self.model.config.num_ws)
        if self._directions is None:
            raise InputError(f"'{parameter}' needs directions")
        self._directions.step(number)
        self._targets[parameter] = number, layers
        return -MOST_STDS, MOST_STDS

    def advance(self, values: Mapping[str, float], step_s: float) -> Pose:
        """Move on along the way, and return ws with all moves."""
        self._place += values.get("speed", self._speed) * step_s / self._count
        u = (self._place + values.get("place", 0.0)) % 1.0
        psi = values.get("truncation", self.model.settings.truncation)
        ws, center = self._curve(u), self._center(u)
        if self._called is not None:
            self._near += (1 - self._near) * (1 - float(np.exp(-step_s / GLIDE_S * 2)))
            ws, center = ws.lerp(self._called[0], self._near), center.lerp(self._called[1], self._near)
        ws = center.lerp(ws, psi)
        for name, (number, layers) in self._targets.items():
            amount = values.get(name, 0.0)
            if amount:
                assert self._directions is not None
                ws = ws.clone()
                ws[list(layers)] += amount * self._directions.step(number).to(ws)
        return Pose(ws)

    def same(self, one: Pose, other: Pose) -> bool:
        """Tell whether two poses give the same picture."""
        return torch.equal(one.ws, other.ws)

    def draw(self, pose: Pose, *, draft: bool) -> np.ndarray:
        """Return the picture ``[H, W, 3]`` uint8, or a small rough one."""
        noise = self.model.noise_of(0)
        if draft:
            return as_bytes(self.model.draft(pose.ws[None], noise))[0]
        return as_bytes(enlarged(self.model.draw(pose.ws[None], noise), self._height))[0]

    def event(self, action: Action) -> None:
        """Glide to a seed."""
        seed = int(action.value)
        self._called = self.model.ws_of_seed(seed, 1.0), self.model.center(self.model.class_of_seed(seed))
        self._near = 0.0
