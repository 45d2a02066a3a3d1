"""What a style transfer raises at one scale: styles, content, smoothness and dreams, each brought to a common measure.

Every style score is divided by its value at the content picture, and content is measured against its own variance. So
the weights below are shares of things that begin at one, and a strength means the same on any network and size.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from reverie.critic.critic import IMAGE, Critic
from reverie.critic.style_layers import style_layers
from reverie.errors import GradientError, InputError
from reverie.jobs.seed import seed_for
from reverie.numerics.color_match import match_colors
from reverie.numerics.region_weights import region_weights, shared_out
from reverie.numerics.resample import long_side, resize
from reverie.objective import Objective, total_variation
from reverie.objective.base import Sum
from reverie.objective.content import Content
from reverie.objective.gram import Gram
from reverie.objective.moment_scores import CONTENT_SHARE, MOMENT_SCORES, least_value, smoothness
from reverie.objective.moments import blend, mean_moments
from reverie.objective.sampler import Sampler, Samples, shared_scales
from reverie.objective.self_similarity import SelfSimilarity
from reverie.optimize.frame import Frame
from reverie.optimize.two_pass import TwoPass
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References
from reverie.tools.dream.rules import check_together
from reverie.tools.dream_steps.objective import build_objective
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import Style, StylePictures
from reverie.tools.style_steps.plan import Scale, wrap_of
from reverie.tools.style_steps.scores import (
    GAINS,
    STYLE_SHARE,
    check_weights,
    sampled_names,
    sampled_terms,
    shared_counts,
)


@dataclass(frozen=True, eq=False)
class Area:
    """A part of the picture: its mask ``[1, 1, H, W]`` at the final size, its styles and its strength.

    `own_strength` tells that the strength is that of its region and not that of the whole.
    """

    mask: Tensor | None
    styles: tuple[Style, ...]
    strength: float
    own_strength: bool = False


class StyleTerms:
    """Builds the objective of every scale.

    Attributes:
        critic: the network.
        layers: that carry style and content.
        areas: the parts of the picture that take on a style.
        notes: what a user should know.
    """

    def __init__(
        self, config: StyleConfig, critic: Critic, pictures: StylePictures, content: Tensor, visible: Tensor | None
    ) -> None:
        self.config, self.critic, self.pictures, self.notes = config, critic, pictures, []
        self.layers = style_layers(critic, config.style_layer, config.content_layer, config.softmax)
        self.content, self.visible = content, visible
        self.dream = _dream(config, critic)
        self.areas, self._kept = self._areas((content.shape[-2], content.shape[-1]))
        if config.score not in MOMENT_SCORES:
            check_weights([style for area in self.areas for style in area.styles], config.score)
        self._moments: dict[tuple[Tensor, Tensor | None, tuple[int, int]], dict[str, Tensor]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All layers of the network that are read."""
        found = dict.fromkeys(name for name, _ in (*self.layers.style, *self.layers.content))
        dreamt = () if self.dream is None else sorted(self.dream.layers)
        return tuple(name for name in dict.fromkeys((*found, *dreamt)) if name != IMAGE)

    def at(self, content: Tensor, scale: Scale) -> Objective:
        """Return what to raise at one scale.

        Args:
            content: ``[1, 3, H, W]``, the content picture at that size.
            scale: its size and tiles.
        """
        generator = Generator().manual_seed(seed_for(self.config.seed, f"measure/{max(scale.size)}"))
        parts: list[tuple[float, Objective]] = []
        for area in self.areas:
            share = 1.0 if area.mask is None else area.mask.mean().item()
            if share == 0:
                continue
            style = self._style(area, scale)
            values = self._measured(style, content, scale, generator)
            total = sum(weight for weight, _ in style) / GAINS.get(self.config.score, 1.0)
            for (weight, term), value in zip(style, values, strict=True):
                parts.append((share * area.strength * weight / total / value, term))
            kept = share * (1 - area.strength)
            similarity = self.config.content_score == "self-similarity"
            parts += self._similarity(area, content, scale, kept) if similarity else self._content(area, scale, kept)
        if self.config.smooth > 0:
            weight = smoothness(self.config.smooth, self.config.strength, self._content_gain)
            parts.append((-weight, total_variation(wrap=wrap_of(self.config))))
        whole = Sum(tuple(pair for pair in parts if pair[0] != 0))
        return whole if self.dream is None else self._with_dream(whole, content, scale, generator)

    @property
    def _content_gain(self) -> float:
        return 1.0 if self.config.content_score == "self-similarity" else self.layers.content_gain

    def turned(self, weights: Sequence[float] | None, strength: float | None = None) -> StyleTerms:
        """Return the same with other weights of the styles and another strength; what regions say themselves stays.

        Statistics are shared.
        """
        other = copy.copy(self)
        if weights is not None:
            styles = tuple(replace(s, weight=w) for s, w in zip(self.pictures.styles, weights, strict=True))
            mine = self.pictures.styles
            other.areas = tuple(replace(a, styles=styles) if a.styles is mine else a for a in other.areas)
        if strength is not None:
            other.config = replace(self.config, strength=strength)
            other.areas = tuple(a if a.own_strength else replace(a, strength=strength) for a in other.areas)
        return other

    def change(self, size: tuple[int, int]) -> Tensor | None:
        """Return where the picture may change, ``[1, 1, *size]``; None if everywhere."""
        if self._kept is None:
            return None
        return 1 - resize(self._kept, size).clamp(0, 1).to(self.critic.device)

    # -- areas ------------------------------------------------------------------------------------------------

    def _areas(self, size: tuple[int, int]) -> tuple[tuple[Area, ...], Tensor | None]:
        """Return the parts with styles, and the mask of those that keep the original."""
        config, regions = self.config, self.pictures.regions
        if not regions:
            return (Area(self.visible, self.pictures.styles, config.strength),), None
        masks = shared_out([resize(r.mask, size).clamp(0, 1) for r in regions])
        masks = masks if self.visible is None else [mask * self.visible for mask in masks]
        found, kept = [], None
        for region, mask in zip(regions, masks, strict=False):
            if region.region.keep or not (region.styles or self.pictures.styles):
                kept = mask if kept is None else kept + mask
                continue
            own = region.region.strength
            strength = config.strength if own is None else own
            found.append(Area(mask, region.styles or self.pictures.styles, strength, own is not None))
        if self.pictures.styles:
            found.append(Area(masks[-1], self.pictures.styles, config.strength))
        else:
            kept = masks[-1] if kept is None else kept + masks[-1]
        return tuple(found), kept

    def _weights(self, area: Area, name: str, scale: Scale, *, inside: bool) -> Tensor | None:
        """Return how much each position of a layer belongs to an area; None if all do."""
        if area.mask is None:
            return None
        frame = Frame(scale.size, wrap_of(self.config))
        mask = frame.put(resize(area.mask, scale.size).clamp(0, 1))
        size = self.critic.sizes((mask.shape[-2], mask.shape[-1]))[name]
        radius = self.critic.field([name]).effective_px // 4 if inside and name != IMAGE else 0
        return region_weights(mask, size, radius).to(self.critic.device)

    # -- terms ------------------------------------------------------------------------------------------------

    def _style(self, area: Area, scale: Scale) -> list[tuple[float, Objective]]:
        if self.config.score not in MOMENT_SCORES:
            return self._sampled(area, scale)
        seen = [self._moments_of(style, scale) for style in area.styles]
        weights = [style.weight for style in area.styles]
        found: list[tuple[float, Objective]] = []
        for name, weight in self.layers.style:
            target = blend([moments[name] for moments in seen], weights)
            share = self._weights(area, name, scale, inside=len(self.areas) > 1)
            score = MOMENT_SCORES[self.config.score]
            found.append((weight, score(name, target, share, self.layers.softmax)))
        return found

    def _content(self, area: Area, scale: Scale, strength: float) -> list[tuple[float, Objective]]:
        total = sum(weight for _, weight in self.layers.content)
        return [
            (
                CONTENT_SHARE * self._content_gain * strength * weight / total,
                Content(name, self._weights(area, name, scale, inside=False), self.layers.softmax),
            )
            for name, weight in self.layers.content
        ]

    def _sampled(self, area: Area, scale: Scale) -> list[tuple[float, Objective]]:
        """Return style scores that look at drawn places."""
        names = sampled_names(self.layers)
        share = self._weights(area, names[0], scale, inside=len(self.areas) > 1)
        sampler = Sampler(names, self.config.samples, share, softmax=self.layers.softmax)
        counts = shared_counts([style.weight for style in area.styles], STYLE_SHARE * self.config.samples)
        rows = [
            self._rows_of(style, scale, replace(sampler, count=count, weights=None), f"{scale.size}/{number}")
            for number, (style, count) in enumerate(zip(area.styles, counts, strict=True))
            if count
        ]
        return sampled_terms(self.config.score, self.layers, sampler, self._blocks(names, torch.cat(rows)))

    def _similarity(self, area: Area, content: Tensor, scale: Scale, strength: float) -> list[tuple[float, Objective]]:
        """Return the content score that compares which places are similar."""
        if strength == 0:
            return []
        names = tuple(name for name, _ in self.layers.self_similarity)
        share = self._weights(area, names[0], scale, inside=False)
        sampler = Sampler(names, self.config.samples, share, softmax=self.layers.softmax)
        painting = TwoPass(self.critic, Samples(sampler), None, wrap_of(self.config))
        (rows,) = painting.sums(content, Generator().manual_seed(0), painting.tiles(scale.size, scale.tile_px))
        blocks = self._blocks(names, rows)
        scales = shared_scales([blocks[name] for name in names], [weight for _, weight in self.layers.self_similarity])
        return [(CONTENT_SHARE * strength, SelfSimilarity(replace(sampler, scales=scales)))]

    def _blocks(self, names: tuple[str, ...], rows: Tensor) -> dict[str, Tensor]:
        """Return the columns of each layer of hypercolumns."""
        widths = [3 if name == IMAGE else self.critic.layer(name).channels for name in names]
        kind = torch.float64 if self.critic.dtype == torch.float64 else torch.float32
        return dict(zip(names, rows.to(kind).split(widths, 1), strict=True))

    def _measured(
        self, terms: list[tuple[float, Objective]], content: Tensor, scale: Scale, generator: Generator
    ) -> list[float]:
        """Return how far the content picture is from a style, term by term; never zero."""
        if self.config.balance == "none":
            return [1.0] * len(terms)
        painting = TwoPass(self.critic, Sum(tuple(terms)), content, wrap_of(self.config))
        found = painting.values(content, generator, painting.tiles(scale.size, scale.tile_px))
        return [max(abs(value), least_value(term)) for value, (_, term) in zip(found, terms, strict=True)]

    def _with_dream(self, whole: Objective, content: Tensor, scale: Scale, generator: Generator) -> Objective:
        """Add the dream, its gradient brought to the size of everything else's at the content picture."""
        assert self.dream is not None
        sizes = []
        for objective in (whole, self.dream):
            painting = TwoPass(self.critic, objective, content, wrap_of(self.config))
            painting.check()
            scored = painting.scored(content, generator, painting.tiles(scale.size, scale.tile_px))
            sizes.append(scored.gradient.abs().mean().item())
        if sizes[1] == 0:
            raise GradientError("no gradient reaches the picture from this dream; choose another --dream-layer")
        return whole + self.config.dream_strength * sizes[0] / sizes[1] * self.dream

    # -- styles -----------------------------------------------------------------------------------------------

    def _moments_of(self, style: Style, scale: Scale) -> dict[str, Tensor]:
        """Return the moments of a style at one scale, by layer; computed once."""
        size = self._style_size(style, max(scale.size))
        key = (style.image, style.visible, size)  # tensors are the same key where they are the same object, held here
        if key not in self._moments:
            self._moments[key] = self._seen(style, size, scale)
        return self._moments[key]

    def _seen(self, style: Style, size: tuple[int, int], scale: Scale) -> dict[str, Tensor]:
        image, framed = self._looked_at(style, size)
        names = tuple(dict.fromkeys(name for name, _ in self.layers.style))
        sizes = self.critic.sizes(TwoPass(self.critic, Sum(())).framed(size))
        empty = torch.zeros(0)
        terms = tuple(
            (1.0, Gram(name, empty, None if framed is None else region_weights(framed, sizes[name]),
                       self.layers.softmax))
            for name in names
        )  # fmt: skip
        painting = TwoPass(self.critic, Sum(terms))
        sums = painting.sums(image, Generator().manual_seed(0), painting.tiles(size, scale.tile_px))
        return {name: mean_moments(total) for name, total in zip(names, sums, strict=True)}

    def _rows_of(self, style: Style, scale: Scale, sampler: Sampler, draw: str) -> Tensor:
        """Return hypercolumns at drawn places of a style, ``[n, C]``."""
        size = self._style_size(style, max(scale.size))
        image, framed = self._looked_at(style, size)
        if framed is not None:
            sizes = self.critic.sizes((framed.shape[-2], framed.shape[-1]))
            sampler = replace(sampler, weights=region_weights(framed, sizes[sampler.names[0]]))
        painting = TwoPass(self.critic, Samples(sampler))
        generator = Generator().manual_seed(seed_for(self.config.seed, f"style/{draw}"))
        (rows,) = painting.sums(image, generator, painting.tiles(size, scale.tile_px))
        if not len(rows):
            raise InputError(
                f"the style '{style.name}' has no visible area: its mask or its transparency leaves nothing"
            )
        return rows

    def _looked_at(self, style: Style, size: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Return a style's picture at a size, and what is visible of it once it is framed; None for all."""
        image = style.image
        if self.config.color == "match":
            image = match_colors(
                image, self.content, self.config.color_method, self.config.color_strength,
                weights=style.visible, target_weights=self.visible,
            )  # fmt: skip
        image = resize(image, size).clamp(0, 1).to(self.critic.device)
        visible = None if style.visible is None else resize(style.visible, size).clamp(0, 1)
        return image, None if visible is None else Frame(size).put(visible)

    def _style_size(self, style: Style, longest: int) -> tuple[int, int]:
        """Return the size at which a style is looked at: never enlarged, unless the network needs it."""
        own = (style.image.shape[-2], style.image.shape[-1])
        wanted = style.size_px or max(1, round(longest * style.scale))
        if wanted > max(own):
            note = (
                f"the style '{style.name}' is {max(own)} px long, smaller than the {wanted} px asked for; not enlarged"
            )
            self.notes += [] if note in self.notes else [note]
        size = long_side(own, min(wanted, max(own)))
        least = self.critic.least_side(tuple(name for name, _ in self.layers.style if name != IMAGE))
        factor = least / min(size)
        return size if factor <= 1 else (max(least, round(size[0] * factor)), max(least, round(size[1] * factor)))


def _dream(config: StyleConfig, critic: Critic) -> Objective | None:
    """Return what is dreamt at the same time, if anything.

    Raises:
        InputError: a class that cannot be dreamt in tiles.
    """
    if not config.dream_layer and config.dream_class is None:
        return None
    dream = DreamConfig(layer=config.dream_layer, class_name=config.dream_class)
    check_together(dream)
    return build_objective(dream, critic, References())
