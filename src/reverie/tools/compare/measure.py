"""What one network says of pictures: how far their features are from a style's, and from the content's in place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reverie.errors import InputError
from reverie.media.image import Picture
from reverie.numerics.fill import fill_transparent
from reverie.numerics.gaussian_distance import root_of, trace_of_root
from reverie.numerics.region_weights import region_weights
from reverie.numerics.resample import long_side, resize
from reverie.objective.base import Sum
from reverie.objective.content import Content
from reverie.objective.gram import Gram
from reverie.objective.moments import covariance_of, mean_moments
from reverie.optimize.frame import Frame
from reverie.optimize.tiles import memory_budget
from reverie.optimize.two_pass import TwoPass
from reverie.tools.compare.config import CompareConfig
from reverie.tools.compare.networks import Scorer
from reverie.tools.style.config import StyleConfig
from reverie.tools.style_steps.plan import tile_for

LEAST_SHARE = 1e-3  # of the style's own energy: a content picture that has the style already is not divided by zero


@dataclass(frozen=True)
class Row:
    """What one layer of one network says of one picture."""

    network: str
    layer: str
    style: float
    content: float


@dataclass(frozen=True, eq=False)
class View:
    """A picture as the networks get it: its colors, continued into transparent places, and what counts of it."""

    image: Tensor
    visible: Tensor | None

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[-2], self.image.shape[-1]

    def at(self, size: tuple[int, int]) -> View:
        visible = None if self.visible is None else resize(self.visible, size).clamp(0, 1)
        return View(resize(self.image, size).clamp(0, 1).contiguous(), visible)


class Measurer:
    """Measures pictures through one network, with the content and the style known."""

    def __init__(self, scorer: Scorer, config: CompareConfig, scene: View, example: View) -> None:
        self.scorer, self.critic, self.scene = scorer, scorer.critic, scene
        self.notes: list[str] = []
        self.name = scorer.name
        self._budget = memory_budget(config.max_memory, scorer.critic.device)
        self.target = self._moments(example, example.visible)
        start = self._moments(scene, scene.visible)
        self.start = {name: self._base(name, start[name]) for name in scorer.layers}

    def rows(self, result: View) -> list[Row]:
        """Return what every layer says of one picture."""
        found = self._moments(result, self.scene.visible)
        contents = self._contents(result)
        return [
            Row(self.name, name, wasserstein(found[name], self.target[name]) / self.start[name], content)
            for name, content in zip(self.scorer.layers, contents, strict=True)
        ]

    def _base(self, name: str, start: Tensor) -> float:
        least = LEAST_SHARE * self.target[name][:-1, :-1].diagonal().sum().item()
        distance = wasserstein(start, self.target[name])
        if distance <= max(least, 1e-12):
            self.notes.append(f"in layer '{name}' of {self.name} the content has the style's statistics already")
        return max(distance, least, 1e-12)

    def _moments(self, view: View, visible: Tensor | None) -> dict[str, Tensor]:
        """Return mean moments by layer, in float64 on the CPU."""
        shares = self._shares(view.size, visible)
        empty = torch.zeros(0)
        terms = tuple((1.0, Gram(name, empty, shares.get(name))) for name in self.scorer.layers)
        painting = TwoPass(self.critic, Sum(terms))
        image = view.image.to(self.critic.device)
        sums = painting.sums(image, Generator().manual_seed(0), painting.tiles(view.size, self._tile(view.size)))
        return {name: mean_moments(total).cpu() for name, total in zip(self.scorer.layers, sums, strict=True)}

    def _contents(self, result: View) -> list[float]:
        shares = self._shares(result.size, self.scene.visible)
        terms = tuple((1.0, Content(name, shares.get(name))) for name in self.scorer.layers)
        painting = TwoPass(self.critic, Sum(terms), self.scene.image.to(self.critic.device))
        tiles = painting.tiles(result.size, self._tile(result.size))
        image = result.image.to(self.critic.device)
        return [max(0.0, -value) for value in painting.values(image, Generator().manual_seed(0), tiles)]

    def _shares(self, size: tuple[int, int], visible: Tensor | None) -> dict[str, Tensor]:
        """Return how much each position of a layer counts; nothing where all do."""
        if visible is None:
            return {}
        framed = Frame(size).put(visible)
        sizes = self.critic.sizes((framed.shape[-2], framed.shape[-1]))
        return {name: region_weights(framed, sizes[name]).to(self.critic.device) for name in self.scorer.layers}

    def _tile(self, size: tuple[int, int]) -> int:
        return tile_for(size, StyleConfig(), self.critic, self.scorer.layers, *self._budget)


def wasserstein(found: Tensor, target: Tensor) -> float:
    """Return the squared Wasserstein-2 distance of the Gaussians with two ``[C + 1, C + 1]`` moments, float64."""
    here, there = ((m[:-1, -1], m[:-1, :-1]) for m in (found, target))
    first, second = covariance_of(here), covariance_of(there)
    shared = trace_of_root(first, root_of(second)).item()
    distance = first.diagonal().sum().item() + second.diagonal().sum().item() - 2 * shared
    return max(0.0, (here[0] - there[0]).square().sum().item() + distance)


def view_of(picture: Picture) -> View:
    """Return a picture at its own size, ready to be looked at.

    Raises:
        InputError: nothing of it is visible.
    """
    image = torch.from_numpy(picture.rgb).permute(2, 0, 1)[None].contiguous()
    if picture.alpha is None:
        return View(image, None)
    alpha = torch.from_numpy(picture.alpha)[None, None]
    if not alpha.any():
        raise InputError(f"'{picture.name}' is transparent everywhere")
    return View(fill_transparent(image, alpha), alpha)


def style_size(own: tuple[int, int], wanted: float, scorer: Scorer) -> tuple[int, int]:
    """Return the size at which the style is looked at: never enlarged, unless the network needs it."""
    size = long_side(own, min(max(1, round(wanted)), max(own)))
    least = scorer.critic.least_side(scorer.layers)
    factor = least / min(size)
    return size if factor <= 1 else (max(least, round(size[0] * factor)), max(least, round(size[1] * factor)))
