"""The gradient of an objective with respect to a picture: whole, or tile by tile at bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from reverie.critic.critic import IMAGE, Critic
from reverie.critic.run import is_redirected
from reverie.errors import GradientError, InputError
from reverie.numerics.gradient import Normalize
from reverie.numerics.resample import wrapped_window, wrapped_write
from reverie.objective.base import BASE, Objective, count_positions, exact
from reverie.objective.pooled import Pooled, pooled_terms, tangent
from reverie.objective.summed import with_draws
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.share import share, sum_of
from reverie.optimize.tiles import Tile
from reverie.optimize.transforms import Look, Transforms

Cut = Callable[[Tile], Tensor]
Put = Callable[[Tile, Tensor], None]
DEFAULT_TRANSFORMS = Transforms()
DEAD = "no gradient reaches the picture from this layer; choose an earlier --layer or another --channel"


@dataclass(frozen=True)
class Ascent:
    """What is raised, by which network it is seen, and how it is looked at.

    `base` ``[1 or B, 3, H, W]`` is the picture that objectives with `base_layers` compare with; it is shifted, cut and
    looked at exactly as the picture itself.
    """

    critic: Critic
    objective: Objective
    transforms: Look = DEFAULT_TRANSFORMS
    base: Tensor | None = None

    @property
    def layers(self) -> frozenset[str]:
        return self.objective.layers

    @property
    def device(self) -> torch.device:
        return self.critic.device

    def on(self, base: Tensor) -> Ascent:
        """Return the same for an octave whose base picture is `base`."""
        return replace(self, base=base) if self.objective.base_layers else self

    def balanced(
        self, images: Tensor, generator: Generator, tiles: Sequence[Tile] = (), base: Tensor | None = None
    ) -> Ascent:
        """Return the same with terms balanced at these images, which began as `base`; see `balanced`."""
        here = self if base is None else self.on(base)
        return replace(self, objective=balanced(here, images, generator, tiles))

    def direction(
        self, images: Tensor, generator: Generator, tiles: Sequence[Tile], mask: Tensor | None, normalize: Normalize
    ) -> tuple[float, Tensor]:
        """Return the score and the gradient, normalized by what lies inside the mask and scaled by it."""
        score, gradient = self.gradient(images, generator, tiles, mask)
        step = normalize(gradient, mask)
        return score, step if mask is None else step.mul_(mask)

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

    def slope(self, images: Tensor, generator: Generator) -> tuple[float, Tensor]:
        """Return the summed score and its gradient ``[B, 3, H, W]``, whole, as the ReLUs at hand give it.

        Raises:
            GradientError: the score is not a number.
        """
        down, right = self.transforms.shift(generator)
        leaf = images.detach().requires_grad_(True)
        total = self.look(torch.roll(leaf, (down, right), (-2, -1)), (down, right), generator).sum()
        if not torch.isfinite(total):
            raise GradientError("the score is not a number; try --precision fp32 or a smaller step")
        # of the score itself, not of its negative: a redirected ReLU must see the sign
        return total.item(), torch.autograd.grad(total, leaf)[0]

    def _attempt(
        self, images: Tensor, generator: Generator, tiles: Sequence[Tile], mask: Tensor | None
    ) -> tuple[float, Tensor]:
        down, right = self.transforms.shift(generator)
        if len(tiles) > 1:
            return self._tiled(images, (down, right), tiles, mask)
        leaf = _rolled(images, down, right).detach().requires_grad_(True)
        total = self.look(leaf, (down, right), generator).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        return total.item(), _rolled(gradient, -down, -right)

    def look(self, images: Tensor, shift: tuple[int, int], generator: Generator) -> Tensor:
        """Return the ``[B]`` scores of one random view of whole pictures that are already shifted."""
        state = generator.get_state()
        view = self.transforms.look(images, generator) if self.transforms.resamples else images
        activations = self.critic(view, self.objective.layers)
        counts = {name: count_positions(a) for name, a in activations.items()}
        if self.objective.base_layers:
            base = _rolled(self._base(), *shift)
            if self.transforms.resamples:  # the same view: the same draws
                again = Generator().set_state(state)
                base = self.transforms.look(base.expand_as(images), again)
            activations |= self._seen_in_base(base)
        sizes = {name: (a.shape[-2], a.shape[-1]) for name, a in activations.items() if a.ndim == 4}
        return with_draws(self.objective, generator, sizes).score(activations, counts)

    def _base(self) -> Tensor:
        if self.base is None:
            raise InputError("this objective compares with the picture that a dream began with; there is none")
        return self.base

    @torch.no_grad()
    def _seen_in_base(self, window: Tensor) -> dict[str, Tensor]:
        found = self.critic(window, self.objective.base_layers)
        return {BASE + name: activation for name, activation in found.items()}

    def _tiled(
        self, images: Tensor, shift: tuple[int, int], tiles: Sequence[Tile], mask: Tensor | None
    ) -> tuple[float, Tensor]:
        gradient = torch.zeros_like(images)

        def put(tile: Tile, found: Tensor) -> None:
            wrapped_write(gradient, found, tile.top - shift[0], tile.left - shift[1])

        wanted = tiles if mask is None else [tile for tile in tiles if _core(mask, tile, shift).any()]
        score = self.over_tiles(
            (images.shape[-2], images.shape[-1]), tiles, wanted, lambda tile: _window(images, tile, shift), put,
            lambda tile: _window(self._base(), tile, shift),
        )  # fmt: skip
        return score, gradient

    def over_tiles(
        self, size: tuple[int, int], tiles: Sequence[Tile], wanted: Sequence[Tile], cut: Cut, put: Put, base: Cut
    ) -> float:
        """Compute the gradient tile by tile, wherever the picture lies, and return the score.

        Args:
            size: height and width of the picture.
            tiles: all of them; pooled objectives look at every one.
            wanted: those whose gradient is wanted; shared by the critic and its replicas.
            cut: gives the window of a tile, ``[B, 3, h, w]``.
            put: takes the gradient of a tile's core; called from several threads, never twice for one tile.
            base: gives the window of a tile in the picture that the objective compares with, if it does.

        Raises:
            InputError: the objective needs the whole picture.
        """
        self.check_tiling()
        whole = self.critic.sizes(size)
        positions = {name: whole[name][0] * whole[name][1] for name in self.objective.layers}
        objective, score = self._tangent(tiles, cut)
        if self.critic.tile_workers is not None and len(wanted) > 1:
            compares = bool(self.objective.base_layers)
            tasks = ((tile, cut(tile), base(tile) if compares else None) for tile in wanted)
            shared = (objective, positions, is_redirected())
            parts = self.critic.tile_workers.each(one_tile, self.critic, shared, tasks)
            for tile, (part, found) in zip(wanted, parts, strict=True):
                put(tile, found.to(self.device))
                score += part
            return score

        def one(critic: Critic, tile: Tile) -> float:
            ascent = replace(self, critic=critic, objective=objective)
            return ascent._one_tile(tile, cut(tile), put, base, positions)

        return score + sum(share(one, (self.critic, *self.critic.replicas), wanted))

    def _tangent(self, tiles: Sequence[Tile], cut: Cut) -> tuple[Objective, float]:
        """Return a local objective of the same gradient, and the score of its pooled terms, by a pass over tiles."""
        terms = pooled_terms(self.objective)
        return tangent(self.objective, self._means(terms, tiles, cut)) if terms else (self.objective, 0.0)

    @torch.no_grad()
    def _means(self, terms: Sequence[Pooled], tiles: Sequence[Tile], cut: Cut) -> list[Tensor]:
        def one(critic: Critic, tile: Tile) -> list[tuple[Tensor, int]]:
            activations = critic(cut(tile), {term.name for term in terms})
            found = []
            for term in terms:
                rows, columns = tile.core_positions(critic.layer(term.name).stride)
                core = exact(activations[term.name][..., rows, columns])
                found.append((term.pool(core).to(self.critic.device), count_positions(core)))
            return found

        parts = share(one, (self.critic, *self.critic.replicas), tiles)
        return [sum_of([sums for sums, _ in term]) / sum(n for _, n in term) for term in zip(*parts, strict=True)]

    def _one_tile(self, tile: Tile, window: Tensor, put: Put, base: Cut, positions: dict[str, int]) -> float:
        window = window.requires_grad_(True)
        activations = self.critic(window, self.objective.layers)
        if self.objective.base_layers:
            activations |= self._seen_in_base(base(tile))
        total = self.objective.score(activations, positions).sum()
        (found,) = torch.autograd.grad(total, window)
        rows, columns = tile.core_in_window
        put(tile, found[..., rows, columns])
        core = (tile.bottom - tile.top) * (tile.right - tile.left)
        # halos are counted by several tiles; an estimate for display
        return total.item() * core / (window.shape[-2] * window.shape[-1])

    @property
    def local(self) -> bool:
        """Whether tiles will do: means over positions or functions of them, of layers that still have positions."""
        strides = (self.critic.layer(name).stride for name in self.objective.layers if name != IMAGE)
        return self.objective.tiling in ("local", "pooled") and all(strides)

    def check_tiling(self) -> None:
        """Raise `InputError` if this ascent cannot be tiled."""
        if not self.local:
            raise InputError("this objective needs the whole picture at once and cannot be tiled; use a smaller --size")
        if self.transforms.resamples:
            raise InputError(
                "random scale, rotation, crop and noise need the whole picture at once and cannot be tiled"
            )


def one_tile(
    critic: Critic, objective: Objective, positions: dict[str, int], redirected: bool, tile: Tile, window: Tensor,
    base: Tensor | None,
) -> tuple[float, Tensor]:  # fmt: skip
    """Return on another machine the score of one tile and the gradient of its core."""
    ascent, found = Ascent(critic, objective), list[Tensor]()
    window = window.to(critic.device)

    def seen(_: Tile) -> Tensor:
        assert base is not None
        return base.to(critic.device)

    with redirected_relu() if redirected else nullcontext():
        score = ascent._one_tile(tile, window, lambda _, part: found.append(part), seen, positions)
    return score, found[0]


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
            _, gradient = replace(ascent, objective=term).gradient(images, generator, tiles)
        except GradientError:
            parts.append((weight, term))
        else:
            parts.append((weight / gradient.abs().mean().item(), term))
    total = parts[0][0] * parts[0][1]
    for weight, term in parts[1:]:
        total = total + weight * term
    return total


def _rolled(images: Tensor, down: int, right: int) -> Tensor:
    return torch.roll(images, (down, right), (-2, -1)) if (down, right) != (0, 0) else images


def _core(images: Tensor, tile: Tile, shift: tuple[int, int]) -> Tensor:
    height, width = tile.bottom - tile.top, tile.right - tile.left
    return wrapped_window(images, tile.top - shift[0], tile.left - shift[1], height, width)


def _window(images: Tensor, tile: Tile, shift: tuple[int, int]) -> Tensor:
    height, width = tile.window_bottom - tile.window_top, tile.window_right - tile.window_left
    return wrapped_window(images, tile.window_top - shift[0], tile.window_left - shift[1], height, width)
