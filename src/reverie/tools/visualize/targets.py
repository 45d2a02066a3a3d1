"""What of a network is to be drawn: classes, channels, neurons or whole layers, as the user names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reverie.critic.critic import LOGITS, Critic
from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.objective import Objective, channel, layer, logit, neuron
from reverie.objective.channel import check_channels
from reverie.tools.visualize.config import VisualizeConfig, file_name

ALL = "all"
WAYS = "say what to draw: --class NAME, --layer NAME, --layer NAME --channel N, or --neuron LAYER:CHANNEL"


@dataclass(frozen=True)
class Target:
    """One thing to draw.

    Attributes:
        name: for people, such as ``goldfish`` or ``mixed4a:12``.
        layer: the layer that is read.
        objective: what is raised.
        settings: the fields of `VisualizeConfig` that name this target alone.
        class_index: number of the class, if it is one.
        centered: whether the place in the picture matters, so that it must not be shifted.
    """

    name: str
    layer: str
    objective: Objective
    settings: tuple[tuple[str, Json], ...]
    class_index: int | None = None
    centered: bool = False

    @property
    def file_name(self) -> str:
        """The name with nothing in it that a file system minds."""
        return file_name(self.name)


def find_targets(config: VisualizeConfig, critic: Critic) -> tuple[Target, ...]:
    """Return all targets that the settings name, in order.

    Raises:
        InputError: none, or options that do not go together.
        LayerError: a layer, channel or class that the network does not have.
    """
    if config.channel and config.layer is None:
        raise InputError("--channel needs the --layer that it belongs to")
    found = (*_classes(config, critic), *_of_layer(config, critic), *(_neuron(n, critic) for n in config.neuron))
    if not found:
        raise InputError(f"nothing to draw; {WAYS}")
    return tuple(dict.fromkeys(found))


def _classes(config: VisualizeConfig, critic: Critic) -> Iterator[Target]:
    if config.class_name is None:
        return
    everything = config.class_name.strip() == ALL
    for index in range(critic.layer(LOGITS).channels) if everything else critic.class_indices(config.class_name):
        yield class_target(critic, index)


def class_target(critic: Critic, index: int) -> Target:
    """Return one class as a target; a class without a name, or that shares it, goes by its number."""
    classes = critic.identity.classes
    named = bool(classes) and [c.lower() for c in classes].count(classes[index].lower()) == 1
    key = classes[index] if named and "," not in classes[index] else str(index)
    shown = classes[index] if named else f"{classes[index]}-{index}" if classes else f"class-{index}"
    return Target(shown, LOGITS, logit(index), (("class_name", key),), index)


def _of_layer(config: VisualizeConfig, critic: Critic) -> Iterator[Target]:
    if config.layer is None:
        return
    name, colon, own = config.layer.rpartition(":")
    named = bool(colon) and own.isdecimal() and not config.channel  # as lucid writes a channel
    found = critic.layer(name if named else config.layer)
    channels = (int(own),) if named else config.channel
    if not channels:
        yield Target(found.name, found.name, layer(found.name), (("layer", found.name),))
    check_channels(found.name, channels, found.channels)
    for number in channels:
        settings = (("layer", found.name), ("channel", (number,)))
        yield Target(f"{found.name}:{number}", found.name, channel(found.name, number), settings)


def _neuron(text: str, critic: Critic) -> Target:
    name, *parts = text.split(":")
    try:
        number, places = int(parts[0]), [float(p) for p in parts[1:]]
    except (ValueError, IndexError) as error:
        raise InputError(f"--neuron must look like LAYER:CHANNEL or LAYER:CHANNEL:Y:X; got '{text}'") from error
    if len(places) not in (0, 2) or not all(0 <= p <= 1 for p in places):
        raise InputError(f"--neuron takes shares of height and width from 0 to 1, LAYER:CHANNEL:Y:X; got '{text}'")
    found = critic.layer(name)
    check_channels(found.name, (number,), found.channels)
    objective = neuron(found.name, number, *places)
    return Target(text, found.name, objective, (("neuron", (text,)),), centered=True)
