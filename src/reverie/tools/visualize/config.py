"""Settings of `reverie visualize`, and its looks by name; free of torch so that help is instant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reverie.jobs.blocks import OWN_WAY, NetworkSettings, device_setting, gradient_precision_setting
from reverie.settings import marked, setting
from reverie.weights.embedded import EMBEDDED, EMBEDDED_NAMES

PRIORS = ("pixel", "fourier", "stack", "bn", "maco")
WHAT, HOW, CHOICE, MACHINE = "what is drawn", "how it is drawn", "how it is chosen", "machine"


@dataclass(frozen=True)
class VisualizeConfig(NetworkSettings):
    """What of a network is drawn, on what canvas, and how the result is chosen."""

    class_name: str | None = setting(
        None, "Classes to draw, by name or number: one, several as a,b,c, or all.", flag="--class", joined=True,
        group=WHAT, belongs=("layer", "channel", "neuron"), marks=("target",),
    )  # fmt: skip
    layer: str | None = setting(
        None, "Layer to draw, as a whole or by --channel; LAYER:5 is its channel 5.", group=WHAT,
        belongs=("class_name", "neuron"), marks=("target", OWN_WAY),
    )  # fmt: skip
    channel: tuple[int, ...] = setting(
        (), "One picture for each of these channels: 5, 3-5 or LAYER:5.", needs=("layer",), of="layer", group=WHAT,
        belongs=("class_name", "layer", "neuron"), marks=("target", OWN_WAY),
    )  # fmt: skip
    neuron: tuple[str, ...] = setting(
        (), "One neuron, as LAYER:CHANNEL or LAYER:CHANNEL:Y:X with shares of height and width; repeatable.",
        group=WHAT, belongs=("class_name", "layer", "channel"), marks=("target", OWN_WAY),
    )  # fmt: skip
    prior: str = setting("fourier", "What keeps the picture natural.", choices=PRIORS, group=HOW)
    size: int | None = setting(
        None, "Height and width in pixels; default: 256 for classes, 160 otherwise.", minimum=16, group=HOW
    )
    width: int | None = setting(
        None, "Width in pixels, where it differs from --size.", minimum=16, group=HOW, expert=True
    )
    steps: int | None = setting(None, "Steps; default: the prior's own.", minimum=1, maximum=100_000, group=HOW)
    batch: int = setting(1, "Pictures of every target, made unlike each other.", minimum=1, maximum=64, group=HOW)
    diversity: float = setting(
        1.0, "How strongly the pictures of a batch avoid each other.", minimum=0, group=HOW, expert=True
    )
    crops: int = setting(
        8, "Random crops that a step of a class picture looks at.", minimum=1, maximum=512, group=HOW, expert=True
    )
    smallest: float = setting(
        0.3, "Side of the smallest of these crops, as a share of the picture's.", above=0, maximum=1, late=True,
        group=HOW, expert=True,
    )  # fmt: skip
    noise: float = setting(
        0.05, "Standard deviation of noise added to every crop.", minimum=0, maximum=1, group=HOW, expert=True
    )
    cut: float = setting(
        0.0, "Highest frequency of the picture, in cycles per pixel: what is finer is grain; 0 draws all.", minimum=0,
        maximum=1, late=True, group=HOW, expert=True,
    )  # fmt: skip
    ensemble: str | None = setting(
        None, "Second network with the same classes that draws them together with the first.", file="network",
        builtin=EMBEDDED_NAMES, needs=("class_name",), late=True, group=HOW, marks=(OWN_WAY,),
    )  # fmt: skip
    log_probability: float = setting(
        0.0, "Weight of a class's log probability beside its logit: it keeps other classes out of the picture.",
        minimum=0, late=True, group=HOW, expert=True,
    )  # fmt: skip
    best_of: int = setting(
        1, "Draw with this many seeds and keep the best by the verifier.", minimum=1, maximum=1000, group=CHOICE,
        marks=("search",),
    )  # fmt: skip
    verifier: str | None = setting(
        None, "Second network with the same classes that chooses; default: held-out crops of the first.",
        file="network", builtin=EMBEDDED_NAMES, group=CHOICE, expert=True, marks=("search",),
    )  # fmt: skip
    verifier_weights: str | None = setting(
        None, "State dict of the verifier, if it is a torchvision name.", file="network", builtin=("random",),
        needs=("verifier",), group=CHOICE, expert=True, marks=("search",),
    )  # fmt: skip
    alpha: bool = setting(False, "Make transparent what the network does not look at.", group=HOW)
    spectrum_from: str | None = setting(
        None, "Folder of pictures whose frequencies maco keeps; default: a formula's.", file="folder",
        needs=("prior=maco",), group=HOW, expert=True,
    )  # fmt: skip
    seed: int = setting(0, "Seed of the start, the crops and the noise.", minimum=0, maximum=2**63 - 1, group="result")
    device: str = device_setting(group=MACHINE)
    precision: str = gradient_precision_setting(group=MACHINE)
    picture: int | None = setting(
        None, "Only this picture of a batch, counted from 0; default: a sheet of all.", minimum=0, maximum=63,
        own=True, stored=False, group=WHAT, expert=True,
    )  # fmt: skip


def file_name(text: str) -> str:
    """Return the name of what is drawn with nothing in it that a file system minds."""
    return re.sub(r"[^\w.+-]+", "-", text).strip("-.") or "target"


def network_stem(model: str) -> str:
    """Return what the names of pictures of a network begin with."""
    from pathlib import Path

    return re.sub(r"[^\w.+-]+", "-", Path(model).stem) or "network"


def name_of(config: VisualizeConfig) -> str:
    """Return the stem of a picture's name, as far as the settings say it: those of one target name it."""
    channels = [f"{config.layer}:{number}" for number in config.channel] or [config.layer]
    named = [n for n in (config.class_name, *channels, *config.neuron) if n]
    whole = file_name(named[0]) if len(named) == 1 and "," not in named[0] else "pictures"
    return f"{network_stem(config.model)}-{whole}"


# name → (what it looks like, settings); chosen by what networks that took no part see in it, and by looking
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "clear": (
        "a class without grain, by both networks of the package together",
        {
            "ensemble": "embedded-2",
            "cut": 0.2,
            "smallest": 0.6,
            "crops": 3,
            "log_probability": 5.0,
        },
    ),
    "classic": ("by one network, from small crops: more and smaller objects under a fine grain", {}),
}
USUAL = "clear"  # of classes of the first network, where nothing else was asked for


def usual(given: Mapping[str, Any]) -> str | None:
    """Return the preset that is meant where none is named: none for features and other networks."""
    first = given.get("model", EMBEDDED) in (EMBEDDED, EMBEDDED_NAMES[1])
    own = any(name in given for name in marked(VisualizeConfig, OWN_WAY))
    return USUAL if first and "class_name" in given and not own else None
