"""The gradient of scores of sums with respect to a picture: whole, or piece by piece and exactly.

A first pass over the pieces adds up the sums; score and slope are computed from them alone; a second pass sends the
slope back. Positions are counted in the piece whose core they lie in, and the gradient of a whole window, halo
included, is added to that of the picture. So a halo of one receptive field is exact, where cutting gradients off at
the core would need two.
Source: two passes as in Galerne, Raad, Lezama, Morel 2024 (Scaling Painting Style Transfer), section 3.
Differs: they keep only the gradient of the core of blocks with a wide margin; here what falls into the halo is added.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from reverie.critic.critic import IMAGE, Critic
from reverie.errors import GradientError, InputError
from reverie.objective.base import BASE, Activations, Objective
from reverie.objective.summed import Place, Summed
from reverie.objective.total_variation import TotalVariation
from reverie.optimize.frame import Frame, margins
from reverie.optimize.share import share
from reverie.optimize.tiles import Tile, exact_tiles

Terms = Mapping[int, tuple[float, Objective]]
BAND_PIXELS = 2**20  # of the picture itself that are scored at a time
AT_ONCE = 4  # windows per critic whose sums or gradients wait to be added


@dataclass(frozen=True, eq=False)
class Scored:
    """What was found at one picture.

    Attributes:
        score: the weighted sum of all terms.
        values: of the terms, in the order of `Objective.terms`, without their weights.
        gradient: ``[1, 3, H, W]`` float32, of the score.
    """

    score: float
    values: tuple[float, ...]
    gradient: Tensor


@dataclass(frozen=True, eq=False)
class TwoPass:
    """What is raised on one picture size: terms that are `Summed`, local, or of the picture itself.

    Attributes:
        critic: the network; its replicas take their share of the tiles.
        objective: the sum of all terms.
        content: ``[1, 3, H, W]``, the picture that terms with `base_layers` compare with.
        wrap: whether the picture repeats downwards and sideways; elsewhere it is mirrored at its borders, by a little,
            which keeps out of it what networks do at their own borders.
        shifts: places on the network's grid that the picture is looked at from, one by chance at every step; more than
            one hides the grid.
        seen: the content's activations, kept where the picture is worked in one piece.
    """

    critic: Critic
    objective: Objective
    content: Tensor | None = None
    wrap: tuple[bool, bool] = (False, False)
    shifts: tuple[tuple[int, int], ...] = ((0, 0),)
    seen: dict[tuple[str, tuple[int, int]], Tensor] = field(default_factory=dict, repr=False)

    # -- sizes ------------------------------------------------------------------------------------------------

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The network's layers that any term reads."""
        terms = [term for _, term in self.objective.terms()]
        found = frozenset().union(*(t.layers | t.base_layers for t in terms))
        return tuple(sorted(name for name in found if name != IMAGE))

    def tiles(self, size: tuple[int, int], tile_px: int = 0) -> tuple[Tile, ...]:
        """Return exact tiles for a picture of `size`; one if `tile_px` is 0."""
        if not self.names:
            return exact_tiles(size, 0, 0, 0, 1)
        field, align = self.critic.field(self.names), self.critic.stride(self.names)
        return exact_tiles(self.framed(size), tile_px, field.before_px, field.after_px, align, self.wrap)

    def framed(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of a picture with its mirrored margins."""
        rows, columns = margins(size, self.wrap)
        return size[0] + 2 * rows, size[1] + 2 * columns

    def check(self) -> None:
        """Raise `InputError` for a term that cannot be had from sums or from means over positions."""
        for _, term in self.objective.terms():
            if term.tiling not in ("local", "summed"):
                raise InputError("this score needs the whole picture at once and does not go with a style")

    # -- the gradient -----------------------------------------------------------------------------------------

    def scored(self, images: Tensor, generator: Generator, tiles: Sequence[Tile] = ()) -> Scored:
        """Return score and gradient at ``[1, 3, H, W]``.

        Args:
            images: the picture, in [0, 1].
            generator: of random places and directions; drawn from once, however many terms there are.
            tiles: from `tiles`; the whole picture in one piece if absent.

        Raises:
            GradientError: score or gradient is not a number.
        """
        look = _Look(self, images, generator, tiles)
        gradient = torch.zeros_like(images)
        values = look.of_picture(gradient) | look.of_pieces(gradient)
        found = tuple(values[i] for i in range(len(values)))
        score = sum(weight * value for (weight, _), value in zip(self.objective.terms(), found, strict=True))
        if not (math.isfinite(score) and torch.isfinite(gradient.sum())):
            raise GradientError("the score is not a number; try --precision fp32 or a smaller --lr")
        return Scored(score, found, gradient)

    @torch.no_grad()
    def values(self, images: Tensor, generator: Generator, tiles: Sequence[Tile] = ()) -> tuple[float, ...]:
        """Return the values of all terms, in order, without a gradient."""
        look = _Look(self, images, generator, tiles)
        values = look.of_picture(None) | look.only_values()
        return tuple(values[i] for i in range(len(values)))

    def sums(self, images: Tensor, generator: Generator, tiles: Sequence[Tile] = ()) -> tuple[Tensor, ...]:
        """Return the sums of all terms that are made of sums, in order: statistics of a style, for example."""
        found = _Look(self, images, generator, tiles).sums()
        return tuple(found[i] for i in sorted(found))


class _Look:
    """One look at one picture: its tiles, the drawn terms, and where everything lies."""

    def __init__(self, painting: TwoPass, images: Tensor, draws: Generator | int, tiles: Sequence[Tile]) -> None:
        self.painting, self.picture_itself = painting, images
        seed = draws if isinstance(draws, int) else int(torch.randint(2**62, (), generator=draws).item())
        self.seed = seed
        self.frame = Frame(
            (images.shape[-2], images.shape[-1]), painting.wrap, painting.shifts[seed % len(painting.shifts)]
        )
        self.images = images.detach()
        self.size = painting.framed(self.frame.size)
        self.tiles = tiles or painting.tiles(self.frame.size)
        self.sizes = painting.critic.sizes(self.size) if painting.names else {IMAGE: self.size}
        self.picture: dict[int, tuple[float, Objective]] = {}
        self.pieces: dict[int, tuple[float, Objective]] = {}
        for i, (weight, term) in enumerate(painting.objective.terms()):
            if isinstance(term, Summed):
                self.pieces[i] = weight, term.drawn(Generator().manual_seed(seed), self.sizes)
            elif term.layers == {IMAGE}:
                self.picture[i] = weight, term
            else:
                self.pieces[i] = weight, term
        self.summed = {i: pair for i, pair in self.pieces.items() if isinstance(pair[1], Summed)}

    # -- what is asked ----------------------------------------------------------------------------------------

    def of_picture(self, gradient: Tensor | None) -> dict[int, float]:
        """Score the terms that read nothing but the picture, on all of it, and add their gradient."""
        values = {}
        positions = {IMAGE: self.frame.size[0] * self.frame.size[1]}
        for i, (weight, term) in self.picture.items():
            values[i] = 0.0
            for band, places, part in _bands(term, self.picture_itself.detach()):
                leaf = band.detach().requires_grad_(gradient is not None)
                value = part.score({IMAGE: leaf}, positions).sum()
                values[i] += value.item()
                if gradient is None:
                    continue
                slope, first = weight * torch.autograd.grad(value, leaf)[0], 0
                for rows in places:
                    count = rows.stop - rows.start
                    gradient[..., rows, :] += slope[..., first : first + count, :]
                    first += count
        return values

    def of_pieces(self, gradient: Tensor) -> dict[int, float]:
        """Score all other terms and add their gradient."""
        if not self.pieces:
            return {}
        return self._in_one_piece(gradient) if len(self.tiles) == 1 else self._in_many(gradient)

    def _in_many(self, gradient: Tensor) -> dict[int, float]:
        values = dict.fromkeys(self.pieces, 0.0)
        slopes = {}
        for i, total in self.sums().items():
            values[i], slopes[i] = _slope(self.summed[i][1], total)

        for tile, (part, local) in self._each("pull", slopes):
            self._add(gradient, part, tile)
            for i, value in local.items():
                values[i] += value
        return values

    def only_values(self) -> dict[int, float]:
        """Return the values of all terms but those of the picture itself."""
        values = {i: self.summed[i][1].finish(total).item() for i, total in self.sums().items()}  # type: ignore[attr-defined]
        local = {i: pair for i, pair in self.pieces.items() if i not in values}
        for tile in self.tiles if local else ():
            found = self._activations(self.painting.critic, self._cut(self.images, tile), tile, local)
            for i, (_, term) in local.items():
                values[i] = values.get(i, 0.0) + term.score(found, self._positions(found)).sum().item()
        return values

    @torch.no_grad()
    def sums(self) -> dict[int, Tensor]:
        """Return the sums of the whole picture, in float64, by number of the term."""
        totals: dict[int, Tensor] = {}
        for _, part in self._each("add") if self.summed else ():
            for i, value in part.items():
                totals[i] = value if i not in totals else totals[i].add_(value.to(totals[i]))
        return totals

    # -- of one tile ------------------------------------------------------------------------------------------

    @torch.no_grad()
    def add(self, critic: Critic, tile: Tile) -> dict[int, Tensor]:
        """Return what a tile adds to the sums, in float64, by number of the term."""
        found = self._activations(critic, self._cut(self.images, tile), tile, self.summed)
        return {i: term.sums(found, self._places(tile)).double() for i, (_, term) in self.summed.items()}  # type: ignore[attr-defined]

    def pull(self, critic: Critic, tile: Tile, slopes: Mapping[int, Tensor]) -> tuple[Tensor, dict[int, float]]:
        """Return the gradient of a tile's window, and the values of its local terms."""
        leaf = self._cut(self.images, tile).to(critic.device).requires_grad_(True)
        total, local = self._tangent(self._activations(critic, leaf, tile, self.pieces), tile, slopes)
        return torch.autograd.grad(total, leaf)[0].to(self.images), local

    # -- inside -----------------------------------------------------------------------------------------------

    def _in_one_piece(self, gradient: Tensor) -> dict[int, float]:
        (tile,) = self.tiles
        leaf = self._cut(self.images, tile).requires_grad_(True)
        found = self._activations(self.painting.critic, leaf, tile, self.pieces)
        scores = {i: self._score(term, found, tile) for i, (_, term) in self.pieces.items()}
        total = torch.stack([self.pieces[i][0] * score.double() for i, score in scores.items()]).sum()
        if not total.requires_grad:  # empty regions only: nothing depends on the picture
            return {i: score.item() for i, score in scores.items()}
        self._add(gradient, torch.autograd.grad(total, leaf)[0].to(gradient), tile)
        return {i: score.item() for i, score in scores.items()}

    def _score(self, term: Objective, found: Activations, tile: Tile) -> Tensor:
        if isinstance(term, Summed):
            return term.finish(term.sums(found, self._places(tile)).double())
        return term.score(found, self._positions(found)).sum()

    def _tangent(self, found: Activations, tile: Tile, slopes: Mapping[int, Tensor]) -> tuple[Tensor, dict[int, float]]:
        """Return what to differentiate in one window, and the values of its local terms."""
        parts, local = [], {}
        for i, (weight, term) in self.pieces.items():
            if isinstance(term, Summed):
                sums = term.sums(found, self._places(tile))
                parts.append(weight * (sums * slopes[i].to(sums)).sum().double())
            else:
                value = term.score(found, self._positions(found)).sum()
                local[i] = value.item()
                parts.append(weight * value.double())
        return torch.stack(parts).sum(), local

    def _each(self, what: Literal["add", "pull"], *more: Any) -> Iterator[tuple[Tile, Any]]:
        """Work through the tiles with all critics, a few at a time; sums are added in order, whoever is quicker."""
        tile_workers = self.painting.critic.tile_workers
        if tile_workers is not None and len(self.tiles) > 1:
            found = tile_workers.each(one_tile, self.painting, (self.images, self.seed, what, *more), zip(self.tiles))
            yield from zip(self.tiles, found, strict=True)
            return

        def one(critic: Critic, tile: Tile) -> Any:
            return getattr(self, what)(critic, tile, *more)

        critics = (self.painting.critic, *self.painting.critic.replicas)
        step = AT_ONCE * len(critics) if len(critics) > 1 else 1
        for first in range(0, len(self.tiles), step):
            some = self.tiles[first : first + step]
            yield from zip(some, share(one, critics, some), strict=True)

    def _activations(self, critic: Critic, window: Tensor, tile: Tile, terms: Terms) -> dict[str, Tensor]:
        """Return the activations of a tile's core for some terms, of the picture and of the content picture."""
        names = frozenset().union(*(term.layers for _, term in terms.values()))
        base = frozenset().union(*(term.base_layers for _, term in terms.values()))
        found = self._core(critic(window.to(critic.device), names), tile)
        if base:
            found |= {BASE + name: a for name, a in self._content(critic, tile, base).items()}
        return found

    @torch.no_grad()
    def _content(self, critic: Critic, tile: Tile, names: frozenset[str]) -> dict[str, Tensor]:
        if self.painting.content is None:
            raise InputError("this score compares with a content picture; there is none")
        kept, shift = self.painting.seen, self.frame.shift
        if len(self.tiles) == 1 and all((name, shift) in kept for name in names):
            return {name: kept[name, shift] for name in names}
        window = self._cut(self.painting.content, tile).to(critic.device)
        found = self._core(critic(window, names), tile)
        if len(self.tiles) == 1:
            kept.update({(name, shift): activation for name, activation in found.items()})
        return found

    def _core(self, activations: Mapping[str, Tensor], tile: Tile) -> dict[str, Tensor]:
        """Return the part of activations that lies in the core: every position belongs to exactly one tile."""
        cut = {}
        for name, activation in activations.items():
            stride = self._stride(name)
            height, width = self.sizes[name]
            rows = _inside(tile.top, tile.bottom, tile.window_top, stride, height, tile.bottom == self.size[0])
            columns = _inside(tile.left, tile.right, tile.window_left, stride, width, tile.right == self.size[1])
            cut[name] = activation[..., rows, columns]
        return cut

    def _places(self, tile: Tile) -> dict[str, Place]:
        names = (*self.painting.names, IMAGE)
        return {name: self._place(tile, name, self._stride(name)) for name in names}

    def _place(self, tile: Tile, name: str, stride: int) -> Place:
        return Place(-(-tile.top // stride), -(-tile.left // stride), self.sizes[name])

    def _stride(self, name: str) -> int:
        return 1 if name == IMAGE else self.painting.critic.layer(name).stride

    def _positions(self, found: Activations) -> dict[str, int]:
        return {name: self.sizes[name][0] * self.sizes[name][1] for name in found if not name.startswith(BASE)}

    def _cut(self, images: Tensor, tile: Tile) -> Tensor:
        """Return the window of a tile, a copy, with what lies beyond the border mirrored or from the other side."""
        rows, columns = self._reach(tile, images.device)
        if isinstance(rows, slice) and isinstance(columns, slice):
            return images[..., rows, columns].detach().clone()
        return images.detach()[..., rows, :][..., columns].contiguous()

    def _add(self, gradient: Tensor, part: Tensor, tile: Tile) -> None:
        """Add the gradient of a window to that of the picture, where its pixels came from."""
        rows, columns = self._reach(tile, gradient.device)
        if isinstance(rows, slice) and isinstance(columns, slice):
            gradient[..., rows, columns] += part
            return
        wide = part
        if not isinstance(columns, slice):
            wide = part.new_zeros(*part.shape[:3], gradient.shape[3]).index_add_(3, columns, part)
            columns = slice(None)
        if isinstance(rows, slice):
            gradient[..., rows, columns] += wide
        else:
            gradient[..., columns].index_add_(2, rows, wide)

    def _reach(self, tile: Tile, device: torch.device) -> tuple[slice | Tensor, slice | Tensor]:
        """Return which rows and columns of the picture a window is made of."""
        return (
            self.frame.reach(0, tile.window_top, tile.window_bottom, device),
            self.frame.reach(1, tile.window_left, tile.window_right, device),
        )


def one_tile(painting: TwoPass, images: Tensor, seed: int, what: str, *rest: Any) -> Any:
    """Do on another machine what `_Look` does for one tile, which comes last."""
    *more, tile = rest
    look = _Look(painting, images, seed, (tile, tile))  # more than one: it is no whole picture, and nothing is kept
    return getattr(look, what)(painting.critic, tile, *more)


def _bands(term: Objective, images: Tensor) -> Iterator[tuple[Tensor, tuple[slice, ...], Objective]]:
    """Yield what a term of the picture itself is scored on, and where that lies: bands of rows where it can be."""
    if isinstance(term, TotalVariation):
        yield from term.bands(images, BAND_PIXELS)
    else:
        yield images, (slice(0, images.shape[-2]),), term


def _inside(start: int, stop: int, window: int, stride: int, length: int, last: bool) -> slice:
    """Return the positions of a core within the activation of its window; the last core has all that remain."""
    first = -(-start // stride)
    end = length if last else min(-(-stop // stride), length)
    offset = window // stride
    return slice(first - offset, max(end, first) - offset)


def _slope(term: Objective, total: Tensor) -> tuple[float, Tensor]:
    """Return the score at these sums and its gradient with respect to them."""
    assert isinstance(term, Summed)
    with torch.enable_grad():
        leaf = total.detach().requires_grad_(True)
        value = term.finish(leaf)
        if not value.requires_grad:  # an empty region: nothing depends on the picture
            return value.item(), torch.zeros_like(total)
        (slope,) = torch.autograd.grad(value, leaf)
    return value.item(), slope
