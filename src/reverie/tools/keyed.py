"""What keyframes say about a dream at one moment: settings and objective, for loops and for videos alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from reverie.critic.critic import Critic
from reverie.errors import InputError, ReverieError
from reverie.objective import Objective, total_variation
from reverie.settings import check_settings
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_objective import build_objective, weighted
from reverie.tools.keyframes import Keyframes, Timeline
from reverie.tools.keyframes_file import FIELDS, MIXES

Mix = dict[str, float]


@dataclass(frozen=True)
class Keyed:
    """Keyframes on the frames of one film; `everything` is all that is ever raised, to plan memory with."""

    timeline: Timeline
    rate: Fraction
    everything: Objective | None

    def settings(self, config: DreamConfig, index: int) -> DreamConfig:
        """Return the settings of a frame; see `settings_at`."""
        return settings_at(self.timeline, config, index / float(self.rate))

    def objective(self, config: DreamConfig, index: int, critic: Critic) -> Objective:
        """Return what is raised in a frame; see `objective_at`."""
        return objective_at(self.timeline, config, index / float(self.rate), critic)

    def value(self, name: str, index: int, default: Any) -> Any:
        """Return the value of any other parameter in a frame, or a default where it is not keyed."""
        return self.timeline.at(index / float(self.rate)).get(name, default)


def key_frames(keyframes: Keyframes, frames: int, rate: Fraction, config: DreamConfig, critic: Critic) -> Keyed | None:
    """Return keyframes on the frames of a film, or None where nothing is keyed.

    Raises:
        InputError: moments that do not fit the film, names that the network does not have.
    """
    if not keyframes.tracks:
        return None
    timeline = keyframes.timeline(frames / float(rate), rate)
    return Keyed(timeline, rate, check_names(keyframes, config, critic))


def settings_at(timeline: Timeline, config: DreamConfig, time_s: float) -> DreamConfig:
    """Return the settings of a dream at one moment of a film.

    `strength` multiplies the step size; without strength, or where no layer or class has a weight, there are no steps.
    Layers and classes themselves are not in the settings: see `objective_at`.
    """
    values = timeline.at(time_s)
    fields: dict[str, Any] = {name: values[name] for name in FIELDS if name in values}
    changed = replace(config, **fields)
    strength = values.get("strength", 1.0)
    idle = _mixed(timeline) and not any(mix_at(timeline, config, time_s))
    if strength == 0 or idle:
        return replace(changed, steps=0)
    changed = replace(changed, step_size=min(1.0, changed.step_size * strength))
    check_settings(changed)
    return changed


def objective_at(timeline: Timeline, config: DreamConfig, time_s: float, critic: Critic) -> Objective:
    """Return what is raised at one moment: the blend of all layers and classes that have a weight then.

    The dream balances its terms by their gradients before the first step (`optimize.gradient.balanced`), so weights of
    0.5 and 0.5 are visibly half and half although the scores of two layers differ by orders of magnitude.

    Raises:
        LayerError: a layer or class that the network does not have.
    """
    layers, classes = mix_at(timeline, config, time_s) if _mixed(timeline) else ({}, {})
    config = settings_at(timeline, config, time_s)
    if not layers and not classes:
        return build_objective(config, critic)
    bare = replace(config, smooth=0.0, class_name=None)
    terms = [weight * build_objective(replace(bare, layer=(f"{name}:1",)), critic) for name, weight in layers.items()]
    terms += [weight * build_objective(replace(bare, class_name=name), critic) for name, weight in classes.items()]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total - config.smooth * total_variation() if config.smooth > 0 else total


def mix_at(timeline: Timeline, config: DreamConfig, time_s: float) -> tuple[Mix, Mix]:
    """Return the weights of layers and of classes at one moment; what is not keyed is as in `config`."""
    values = timeline.at(time_s)
    layers = values.get("layer", dict(weighted(text) for text in config.layer))
    classes = values.get("class", {} if config.class_name is None else {config.class_name: 1.0})
    return _with_weight(layers), _with_weight(classes)


def check_names(keyframes: Keyframes, config: DreamConfig, critic: Critic) -> Objective | None:
    """Check every layer and class that keyframes name; return all of them as one objective, to plan memory with.

    Raises:
        InputError: one that the network does not have; the message names its place in the file.
    """
    bare = replace(config, smooth=0.0, layer=(), class_name=None)
    total: Objective | None = None
    for parameter, name, place in _named(keyframes):
        fields: dict[str, Any] = {"layer": (f"{name}:1",)} if parameter == "layer" else {"class_name": name}
        try:
            term = build_objective(replace(bare, **fields), critic)
        except ReverieError as error:
            raise InputError(f"{place}: {error}") from error
        total = term if total is None else total + term
    return total


def _mixed(timeline: Timeline) -> bool:
    return any(name in timeline.tracks for name in MIXES)


def _with_weight(mix: Mix) -> Mix:
    return {name: weight for name, weight in mix.items() if weight != 0}


def _named(keyframes: Keyframes) -> Iterable[tuple[str, str, str]]:
    """Yield (parameter, name, place) of every layer and class, each once."""
    seen: set[tuple[str, str]] = set()
    for parameter in MIXES:
        for key in keyframes.tracks.get(parameter, ()):
            for name in key.value:
                if (parameter, name) not in seen:
                    seen.add((parameter, name))
                    yield parameter, name, key.place


def refuse_keys(keyframes: Keyframes, names: tuple[str, ...], belong_to: str) -> None:
    """Raise `InputError` for keyed parameters that mean nothing here."""
    for name in names:
        if name in keyframes.tracks:
            raise InputError(f"{keyframes.tracks[name][0].place}: '{name}' is for {belong_to}; leave it out here")
