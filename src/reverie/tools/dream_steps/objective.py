"""What a dream raises: from its settings to objectives, and to the ascent that follows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reverie.critic.average import mean_activations
from reverie.critic.class_direction import mean_class_direction
from reverie.critic.critic import LOGITS, Critic
from reverie.critic.statistics import statistics_of
from reverie.errors import InputError
from reverie.numerics.resample import resize
from reverie.objective import (
    Objective,
    caricature,
    channel,
    direction,
    equalized,
    guide_best_match,
    guide_channels,
    layer,
    logit,
    target,
    total_variation,
)
from reverie.objective.channel import check_channels
from reverie.optimize.gradient import Ascent
from reverie.optimize.together import Part, Together
from reverie.optimize.transforms import Transforms
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References, Region, read_references
from reverie.tools.dream.rules import alone, check_together

TARGET_PX = 256  # shorter side of an artwork
TARGET_LAYERS = 4
POWERS = {"equalized": 2.0, "peaks": 3.0}  # forms that measure channels by their usual strength


def build_ascent(config: DreamConfig, critic: Critic, references: References | None = None) -> Ascent | Together:
    """Return what the settings ask to raise, with the views they ask to take.

    Args:
        config: the settings.
        critic: the network.
        references: the other pictures; read from the settings if absent.

    Raises:
        InputError: settings that contradict each other, or pictures that cannot be read.
        LayerError: a layer, channel or class that the network does not have.
    """
    check_together(config)
    references = references or read_references(config)
    views = transforms_of(config)
    if not references.regions:
        return Ascent(critic, build_objective(config, critic, references), views)
    return Together(tuple(_part(region, config, critic, views) for region in references.regions))


def transforms_of(config: DreamConfig) -> Transforms:
    """Return how a dream looks at its picture."""
    return Transforms(config.jitter, config.jitter_scale, config.jitter_rotate, 1.0, config.jitter_noise)


def _part(region: Region, config: DreamConfig, critic: Critic, views: Transforms) -> Part:
    objective = smoothed(region_goal(region, config, critic), config)
    mask = None if region.mask is None else region.mask.to(critic.device)
    return Part(Ascent(critic, objective, views), mask, region.group.strength)


def region_goal(region: Region, config: DreamConfig, critic: Critic) -> Objective:
    """Return what a group raises, without regard to its mask."""
    return build_goal(alone(region.group, config), critic, region.guide)


def build_objective(config: DreamConfig, critic: Critic, references: References | None = None) -> Objective:
    """Return what settings without groups ask to raise.

    Raises:
        LayerError: a layer, channel or class that the network does not have.
    """
    references = references or read_references(config)
    total = build_goal(config, critic, references.guide)
    artwork = build_target(config, critic, references.target)
    return smoothed(total if artwork is None else total + artwork, config)


def build_goal(config: DreamConfig, critic: Critic, guide: Tensor | None = None) -> Objective:
    """Return the dream itself: a class, channels or layers, the latter perhaps following something.

    Raises:
        LayerError: a layer, channel or class that the network does not have.
    """
    if config.class_name is not None:
        return _class_objective(config.class_name, critic)
    if config.channel:
        return _channel_objective(config, critic)
    if config.direction is not None and config.direction_from is not None:
        from reverie.tools.embed_atlas.dreaming import direction_goal

        path, text = Path(config.direction_from), config.direction
        named = [weighted(layer) for layer in config.layer]
        if not named:
            return direction_goal(path, text, critic)
        return _weighted_sum((direction_goal(path, text, critic, name), weight) for name, weight in named)
    term = _term(config, critic, guide)
    return _weighted_sum((term(name), weight) for name, weight in dream_layers(config, critic))


def build_target(config: DreamConfig, critic: Critic, artwork: Tensor | None) -> Objective | None:
    """Return the artwork that comes on top of the dream, if there is one, with its weight."""
    return None if artwork is None else config.target_weight * _target_objective(config, critic, artwork)


def smoothed(total: Objective, config: DreamConfig) -> Objective:
    """Return an objective that also asks for a smooth picture, as far as the settings do."""
    return total - config.smooth * total_variation() if config.smooth > 0 else total


def dream_layers(config: DreamConfig, critic: Critic) -> list[tuple[str, float]]:
    """Return the layers to raise and their weights, the network's own choice if none were given."""
    named = [weighted(text) for text in config.layer or critic.identity.default_layers]
    for name, _ in named:
        critic.layer(name)
    return named


def _term(config: DreamConfig, critic: Critic, guide: Tensor | None) -> Callable[[str], Objective]:
    """Return what is raised in one layer, by the name of the layer."""
    names = [name for name, _ in dream_layers(config, critic)]
    if config.guide_class is not None:
        index = critic.class_index(config.guide_class)
        return lambda name: direction(name, mean_class_direction(critic, index, name), power=1)
    if config.caricature:
        usual = mean_activations(critic, names)
        return lambda name: caricature(name, config.caricature_power, usual[name])
    if guide is not None:
        return _guided(config, critic, guide, names)
    if config.objective in POWERS:
        usual = statistics_of(critic, names)
        power = POWERS[config.objective]
        return lambda name: equalized(name, usual[name].mean, usual[name].std, power)
    return lambda name: layer(name, _form(config.objective))


def _guided(config: DreamConfig, critic: Critic, guide: Tensor, names: list[str]) -> Callable[[str], Objective]:
    # of the size that the network knows things at, a guide gives whole things rather than textures
    short_px = config.guide_size or critic.identity.input_px
    seen, usual = _seen(critic, guide, names, short_px), mean_activations(critic, names)
    if config.guide_form == "channels":
        return lambda name: guide_channels(name, seen[name], _plain(config.objective), usual[name])
    match = "cosine" if config.guide_form == "cosine" else "dot"
    return lambda name: guide_best_match(name, seen[name], match, usual[name])


def _channel_objective(config: DreamConfig, critic: Critic) -> Objective:
    named = dream_layers(config, critic)
    if len(named) > 1:
        raise InputError("--channel goes with one --layer")
    ((name, weight),) = named
    check_channels(name, config.channel, critic.layer(name).channels)
    return _weighted_sum([(channel(name, *config.channel, form=_plain(config.objective)), weight)])


def _class_objective(name: str, critic: Critic) -> Objective:
    indices = critic.class_indices(name)
    goals: list[tuple[Objective, float]] = []
    for index in indices:
        found = critic.class_direction(index)
        goals.append((logit(index) if found is None else direction(*found, power=0), 1 / len(indices)))
    return goals[0][0] if len(goals) == 1 else _weighted_sum(goals)


def _target_objective(config: DreamConfig, critic: Critic, artwork: Tensor) -> Objective:
    named = [weighted(text) for text in config.target_layer] or [(name, 1.0) for name in style_layers(config, critic)]
    seen = _seen(critic, artwork, [name for name, _ in named], TARGET_PX)
    total = sum(abs(weight) for _, weight in named) or 1.0
    return _weighted_sum((target(name, seen[name], config.target_form), weight / total) for name, weight in named)


def style_layers(config: DreamConfig, critic: Critic) -> list[str]:
    """Return layers from fine to coarse textures: evenly spread over those before the network's own dream layer."""
    last = max(critic.layer(name).order for name in critic.identity.default_layers)
    named = [x.name for x in critic.named_layers if x.order <= last and x.stride and x.name != LOGITS]
    count = min(TARGET_LAYERS, len(named))
    return [named[round(i * (len(named) - 1) / max(1, count - 1))] for i in range(count)]


@torch.no_grad()
def _seen(critic: Critic, images: Tensor, names: list[str], short_px: int) -> dict[str, Tensor]:
    """Return what the network sees in a picture whose shorter side is brought to `short_px`."""
    height, width = images.shape[-2:]
    factor = max(short_px, critic.least_side(names)) / min(height, width)
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    return critic(resize(images, size).clamp(0, 1).to(critic.device), names)


def _weighted_sum(terms: Iterable[tuple[Objective, float]]) -> Objective:
    total: Objective | None = None
    for term, weight in terms:
        total = weight * term if total is None else total + weight * term
    assert total is not None
    return total


def _form(name: str) -> Any:
    return name


def _plain(name: str) -> Any:
    """Return the form for channels that are compared with nothing: equalizing one channel is squaring it."""
    return "l2" if name in POWERS else name


def weighted(text: str) -> tuple[str, float]:
    """Return name and weight of NAME or NAME:WEIGHT."""
    name, colon, weight = text.rpartition(":")
    if not colon:
        return text, 1.0
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"--layer must look like NAME or NAME:WEIGHT; got '{text}'")
    return name, value
