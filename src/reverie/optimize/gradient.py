"""The gradient of an objective with respect to a picture: whole, or tile by tile at bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reverie.critic.critic import IMAGE, Critic
from reverie.errors import GradientError, InputError
from reverie.numerics.resample import wrapped_window, wrapped_write
from reverie.objective.base import Objective
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.tiles import Tile
from reverie.optimize.transforms import Look, Transforms

DEFAULT_TRANSFORMS = Transforms()
DEAD = "no gradient reaches the picture from this layer; choose an earlier --layer or another --channel"


@dataclass(frozen=True)
class Ascent:
    """What is raised, by whom it is judged, and how it is looked at."""

    critic: Critic
    objective: Objective
    transforms: Look = DEFAULT_TRANSFORMS

    def gradient(
        self, images: Tensor, generator: Generator, tiles: Sequence[Tile] = (), mask: Tensor | None = None
    ) -> tuple[float, Tensor]:
        """Return the summed score and the gradient ``[B, 3, H, W]`` float32 for pictures in [0, 1].

        Where all of it is zero, the ReLU gradient is redirected and it is computed once more.

        Raises:
            GradientError: zero even so, or not a number.
            InputError: an objective that needs the whole picture was given tiles.
        """
        state = generator.get_state()
        score, gradient = self._attempt(images, generator, tiles, mask)
        if not gradient.any():
            generator.set_state(state)
            with redirected_relu():
                score, gradient = self._attempt(images, generator, tiles, mask)
        if not torch.isfinite(gradient.sum()):
            raise GradientError("the gradient is not a number; try --precision fp32 or a smaller --step-size")
        if not gradient.any():
            raise GradientError(DEAD)
        return score, gradient

    def _attempt(
        self, images: Tensor, generator: Generator, tiles: Sequence[Tile], mask: Tensor | None
    ) -> tuple[float, Tensor]:
        down, right = self.transforms.shift(generator)
        if len(tiles) > 1:
            return self._tiled(images, (down, right), tiles, mask)
        window = torch.roll(images, (down, right), (-2, -1)) if (down, right) != (0, 0) else images
        score, gradient = self._scored(window, generator)
        return score, torch.roll(gradient, (-down, -right), (-2, -1)) if (down, right) != (0, 0) else gradient

    def _scored(self, window: Tensor, generator: Generator) -> tuple[float, Tensor]:
        leaf = window.detach().requires_grad_(True)
        view = self.transforms.look(leaf, generator) if self.transforms.resamples else leaf
        total = self.objective(self.critic(view, self.objective.layers)).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        return total.item(), gradient

    def _tiled(
        self, images: Tensor, shift: tuple[int, int], tiles: Sequence[Tile], mask: Tensor | None
    ) -> tuple[float, Tensor]:
        self.check_tiling()
        whole = self.critic.sizes((images.shape[-2], images.shape[-1]))
        positions = {name: whole[name][0] * whole[name][1] for name in self.objective.layers}
        gradient = torch.zeros_like(images)
        score = 0.0
        for tile in tiles:
            core = (tile.top - shift[0], tile.left - shift[1], tile.bottom - tile.top, tile.right - tile.left)
            if mask is not None and not wrapped_window(mask, *core).any():
                continue
            score += self._one_tile(images, tile, shift, positions, gradient, core)
        return score, gradient

    def _one_tile(
        self, images: Tensor, tile: Tile, shift: tuple[int, int], positions: dict[str, int], gradient: Tensor,
        core: tuple[int, int, int, int],
    ) -> float:  # fmt: skip
        height, width = tile.window_bottom - tile.window_top, tile.window_right - tile.window_left
        window = wrapped_window(images, tile.window_top - shift[0], tile.window_left - shift[1], height, width)
        window.requires_grad_(True)
        activations = self.critic(window, self.objective.layers)
        total = self.objective.score(activations, positions).sum()
        (found,) = torch.autograd.grad(total, window)
        rows, columns = tile.core_in_window
        wrapped_write(gradient, found[..., rows, columns], core[0], core[1])
        share = (core[2] * core[3]) / (height * width)
        return total.item() * share  # halos are counted by several tiles; an estimate for display

    @property
    def local(self) -> bool:
        """Whether tiles may be scored apart: means over positions, of layers that still have positions."""
        strides = (self.critic.layer(name).stride for name in self.objective.layers if name != IMAGE)
        return self.objective.tiling == "local" and all(strides)

    def check_tiling(self) -> None:
        """Raise `InputError` if this ascent cannot be tiled."""
        if not self.local:
            raise InputError("this objective needs the whole picture at once and cannot be tiled; use a smaller --size")
        if self.transforms.resamples:
            raise InputError(
                "random scale, rotation, crop and noise need the whole picture at once and cannot be tiled"
            )


def balanced(ascent: Ascent, images: Tensor, generator: Generator, tiles: Sequence[Tile] = ()) -> Objective:
    """Return the objective with its terms scaled so that each one's gradient has mean magnitude one.

    Scores of different layers differ by factors of 1e3 to 1e6; after balancing, weights mean what they say.
    A term without a gradient at this picture, such as the roughness of a flat one, keeps its scale.
    """
    terms = ascent.objective.terms()
    if len(terms) == 1:
        return ascent.objective
    state = generator.get_state()
    parts = []
    for weight, term in terms:
        generator.set_state(state)
        try:
            _, gradient = Ascent(ascent.critic, term, ascent.transforms).gradient(images, generator, tiles)
        except GradientError:
            parts.append((weight, term))
        else:
            parts.append((weight / gradient.abs().mean().item(), term))
    total = parts[0][0] * parts[0][1]
    for weight, term in parts[1:]:
        total = total + weight * term
    return total
