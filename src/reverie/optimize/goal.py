"""What a program may say to be amplified: an objective, a text such as "layer3:7", or any function of activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Generator, Tensor

from reverie.critic.critic import LOGITS, Critic
from reverie.errors import InputError
from reverie.objective import Custom, Objective, channel, layer, logit
from reverie.objective.channel import check_channels

BY_NAME = "it gets activations by name: lambda acts: acts['layer3'].mean()"
Goal: TypeAlias = "Objective | str | Callable[[Mapping[str, Tensor]], Tensor]"


@dataclass
class Recorder(Mapping[str, Tensor]):
    """Activations of one small picture that are computed when somebody asks, and remembered by name."""

    critic: Critic
    images: Tensor
    asked: dict[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.asked:
            self.asked[name] = self.critic(self.images, [name])[name].float()
        return self.asked[name]

    def __iter__(self) -> Iterator[str]:
        return iter([layer.name for layer in self.critic.layers])

    def __len__(self) -> int:
        return len(self.critic.layers)


def as_objective(goal: Goal, critic: Critic) -> Objective:
    """Return the objective that is meant.

    Args:
        goal: an objective; "layer3", "layer3:7", "layer3:7 + layer2:1", "class:goldfish"; or a function that takes
            activations by layer name, ``[B, C, h, w]`` float32, and returns ``[B]`` or a single number, higher better.
        critic: the network that it is about.

    Raises:
        LayerError: a layer, channel or class that the network does not have.
        InputError: a function that reads no layer, or returns no numbers.
    """
    if isinstance(goal, Objective):
        return goal
    if isinstance(goal, str):
        total: Objective | None = None
        for word in goal.split("+"):
            term = _of_word(word.strip(), critic)
            total = term if total is None else total + term
        assert total is not None
        return total
    if not callable(goal):
        raise InputError(f"an objective must be an Objective, a text such as 'layer3:7', or a function; got {goal!r}")
    return Custom(layers_read(goal, critic), goal)


def layers_read(function: Callable[[Mapping[str, Tensor]], Tensor], critic: Critic) -> tuple[str, ...]:
    """Return the layers that a function of activations reads, found by calling it once on a small picture.

    Raises:
        InputError: it reads none, or returns something else than numbers.
    """
    side = max(critic.min_side, min(critic.identity.input_px, 64))
    if not critic.accepts((side, side)):
        side = critic.identity.input_px
    recorder = Recorder(critic, torch.rand(1, 3, side, side, generator=Generator().manual_seed(0)))
    try:
        found = function(recorder)
    except (AttributeError, TypeError) as error:
        if Recorder.__name__ not in str(error):
            raise
        raise InputError(f"the objective takes a layer for its activations; {BY_NAME}") from error
    if not recorder.asked:
        raise InputError(f"the objective reads no layer; {BY_NAME}")
    if not isinstance(found, Tensor) or found.ndim > 1:
        shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise InputError(f"an objective returns one number for each picture, [B]; got {shape}; add .mean()")
    return tuple(recorder.asked)


def _of_word(word: str, critic: Critic) -> Objective:
    if word.startswith("class:"):
        indices = critic.class_indices(word.removeprefix("class:"))
        total = logit(indices[0])
        for index in indices[1:]:
            total = total + logit(index)
        return total / len(indices)
    name, colon, number = word.rpartition(":")
    if not colon:
        return layer(critic.layer(word).name)
    if not number.isdecimal():
        raise InputError(f"a channel is LAYER:NUMBER, such as layer3:7; got '{word}'")
    found = critic.layer(name)
    check_channels(found.name, (int(number),), found.channels)
    return logit(int(number)) if found.name == LOGITS else channel(found.name, int(number))
