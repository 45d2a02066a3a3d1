"""Style scores that look at drawn places: which terms each is made of, and how much every term counts.

Weights count after every term was divided by its value at the content picture; they were chosen by looking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from reverie.critic.critic import IMAGE
from reverie.critic.style_layers import StyleLayers
from reverie.errors import InputError
from reverie.objective import Objective
from reverie.objective.nearest import Nearest
from reverie.objective.relaxed_emd import PaletteMover, RelaxedMover, SampledMoments, moments_of
from reverie.objective.sampler import Sampler, shared_scales
from reverie.objective.sliced import Sliced
from reverie.tools.style.sources import Style

STYLE_SHARE = 2  # places of the styles for each of the picture: what is rare in a style should be there to be found
PALETTE_SHARES = {"strotss": 0.2, "nearest": 0.1}  # of colors beside features; more leaves specks of single pixels
KEEP = 0.0  # share of the content in what nearest features are looked up by
GAINS = {"sliced": 1.0, "strotss": 4.0, "nearest": 6.0}  # distances of angles fall by less than those of moments

Terms = list[tuple[float, Objective]]
Blocks = Mapping[str, Tensor]


def sampled_terms(score: str, layers: StyleLayers, sampler: Sampler, blocks: Blocks) -> Terms:
    """Return the weighted terms of a score.

    Args:
        score: a name out of `SAMPLED`.
        layers: that carry the style.
        sampler: of the picture's places; its layers and scales are left to the score.
        blocks: ``[m, C]`` features of the styles by layer, at the same places in all of them; with the picture itself.
    """
    return SAMPLED[score](layers, sampler, blocks)


def sampled_names(layers: StyleLayers) -> tuple[str, ...]:
    """Return what is read of a style: its layers, and the picture itself."""
    return tuple(dict.fromkeys((*(name for name, _ in layers.style), IMAGE)))


def shared_counts(weights: Sequence[float], count: int) -> list[int]:
    """Return how many places each style gets; at least one where its weight is not zero."""
    total = sum(weights)
    return [max(1, round(count * weight / total)) if weight else 0 for weight in weights]


def check_weights(styles: Sequence[Style], score: str) -> None:
    """Refuse weights that say nothing about places.

    Raises:
        InputError: a negative one.
    """
    for style in styles:
        if style.weight < 0:
            raise InputError(
                f"--score {score} takes no negative weights: places cannot be looked at less than not at all; "
                f"'{style.name}' has {style.weight:g}"
            )


def _sliced(layers: StyleLayers, sampler: Sampler, blocks: Blocks) -> Terms:
    return [(weight, Sliced(replace(sampler, names=(name,)), blocks[name])) for name, weight in layers.style]


def _strotss(layers: StyleLayers, sampler: Sampler, blocks: Blocks) -> Terms:
    columns, target = _hypercolumns(layers, sampler, blocks)
    return [
        (1.0, RelaxedMover(columns, target)),
        (1.0, SampledMoments(columns, moments_of(target))),
        (PALETTE_SHARES["strotss"], _palette(sampler, blocks)),
    ]


def _nearest(layers: StyleLayers, sampler: Sampler, blocks: Blocks) -> Terms:
    columns, target = _hypercolumns(layers, sampler, blocks)
    return [(1.0, Nearest(columns, target, KEEP)), (PALETTE_SHARES["nearest"], _palette(sampler, blocks))]


SAMPLED: dict[str, Callable[[StyleLayers, Sampler, Blocks], Terms]] = {
    "sliced": _sliced,
    "strotss": _strotss,
    "nearest": _nearest,
}


def _hypercolumns(layers: StyleLayers, sampler: Sampler, blocks: Blocks) -> tuple[Sampler, Tensor]:
    """Return a sampler of all style layers brought to a common length, and the styles' rows of the same kind."""
    names = tuple(name for name, _ in layers.style)
    scales = shared_scales([blocks[name] for name in names], [weight for _, weight in layers.style])
    target = torch.cat([blocks[name] * scale for name, scale in zip(names, scales, strict=True)], 1)
    return replace(sampler, names=names, scales=scales), target


def _palette(sampler: Sampler, blocks: Blocks) -> PaletteMover:
    return PaletteMover(replace(sampler, names=(IMAGE,)), blocks[IMAGE])
