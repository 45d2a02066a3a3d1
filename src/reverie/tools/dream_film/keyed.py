"""What keyframes say about a dream at one moment: settings and weights, for loops and for videos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reverie.errors import InputError
from reverie.settings import check_settings
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_steps.objective import weighted
from reverie.tools.keyframes.file import FIELDS, MIXES
from reverie.tools.keyframes.keyframes import Keyframes, Timeline

Mix = dict[str, float]


def settings_at(timeline: Timeline, config: DreamConfig, time_s: float) -> DreamConfig:
    """Return the settings of a dream at one moment of a film.

    `strength` multiplies the step size; without strength, or where no layer, class or group that is keyed has a weight,
    there are no steps. Layers, classes and groups themselves are not in the settings: see `FilmAscent`.
    """
    values = timeline.at(time_s)
    fields: dict[str, Any] = {name: values[name] for name in FIELDS if name in values}
    changed = replace(config, **fields)
    strength = values.get("strength", 1.0)
    if strength == 0 or _idle(timeline, config, time_s):
        return replace(changed, steps=0)
    changed = replace(changed, step_size=min(1.0, changed.step_size * strength))
    check_settings(changed)
    return changed


def mix_at(timeline: Timeline, config: DreamConfig, time_s: float) -> tuple[Mix, Mix]:
    """Return the weights of layers and of classes at one moment; what is not keyed is as in `config`."""
    values, (layers, classes) = timeline.at(time_s), option_mix(config)
    return _with_weight(values.get("layer", layers)), _with_weight(values.get("class", classes))


def option_mix(config: DreamConfig) -> tuple[Mix, Mix]:
    """Return the weights of the layers and of the class that the settings name."""
    classes = {} if config.class_name is None else {config.class_name: 1.0}
    return dict(weighted(text) for text in config.layer), classes


def named(keyframes: Keyframes) -> Iterable[tuple[str, str, str]]:
    """Yield (parameter, name, place) of every layer and class that is keyed, each once."""
    seen: set[tuple[str, str]] = set()
    for parameter in MIXES:
        for key in keyframes.tracks.get(parameter, ()):
            for name in key.value:
                if (parameter, name) not in seen:
                    seen.add((parameter, name))
                    yield parameter, name, key.place


def _idle(timeline: Timeline, config: DreamConfig, time_s: float) -> bool:
    """Tell whether something is weighed, and nothing has a weight."""
    if "group" in timeline.tracks:
        return not _with_weight(timeline.at(time_s)["group"])
    return any(name in timeline.tracks for name in MIXES) and not any(mix_at(timeline, config, time_s))


def _with_weight(mix: Mix) -> Mix:
    return {name: weight for name, weight in mix.items() if weight != 0}


def refuse_keys(keyframes: Keyframes, names: tuple[str, ...], belong_to: str) -> None:
    """Raise `InputError` for keyed parameters that mean nothing here."""
    for name in names:
        if name in keyframes.tracks:
            raise InputError(f"{keyframes.tracks[name][0].place}: '{name}' is for {belong_to}; leave it out here")
