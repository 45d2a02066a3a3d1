"""What a dream raises: from its settings to one objective."""

from __future__ import annotations

import math
from typing import Any

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.objective import Objective, channel, direction, layer, logit, total_variation
from reverie.objective.channel import check_channels
from reverie.tools.dream_config import DreamConfig


def build_objective(config: DreamConfig, critic: Critic) -> Objective:
    """Return what the settings ask to raise.

    Raises:
        LayerError: a layer, channel or class that the network does not have.
    """
    if config.class_name is not None:
        objective = _class_objective(config.class_name, critic)
    else:
        objective = _layers_objective(config, critic)
    return objective - config.smooth * total_variation() if config.smooth > 0 else objective


def _layers_objective(config: DreamConfig, critic: Critic) -> Objective:
    names = config.layer or critic.identity.default_layers
    if config.channel and len(names) > 1:
        raise InputError("--channel goes with one --layer")
    total: Objective | None = None
    for text in names:
        name, weight = weighted(text)
        found = critic.layer(name)
        if config.channel:
            check_channels(name, config.channel, found.channels)
            term = channel(name, *config.channel, form=_form(config.objective))
        else:
            term = layer(name, _form(config.objective))
        total = weight * term if total is None else total + weight * term
    assert total is not None
    return total


def _form(name: str) -> Any:
    return name


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


def _class_objective(name: str, critic: Critic) -> Objective:
    index = critic.class_index(name)
    found = critic.class_direction(index)
    return logit(index) if found is None else direction(*found, power=0)
