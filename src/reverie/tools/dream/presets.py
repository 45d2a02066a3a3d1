"""Looks of a dream by name, each a line of settings; options given beside a preset win. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.settings import marked
from reverie.tools.dream.config import DreamConfig

# name → (what it looks like, settings); chosen by looking, for the embedded networks
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "creatures": (
        "animals, faces and eyes that grow out of what is there",
        {"objective": "equalized", "layer": ["mixed4c"], "step_size": 0.006, "normalize": "laplacian"},
    ),
    "village": (
        "people in hats, tents and small houses",
        {"objective": "peaks", "layer": ["mixed4c"], "step_size": 0.006, "normalize": "laplacian"},
    ),
    "carnival": (
        "cars, fruit and figures; more of the photo stays, with little grain",
        {"objective": "peaks", "layer": ["mixed4c", "mixed5a"], "step_size": 0.0055, "normalize": "laplacian"},
    ),
    "crowd": (
        "small people, cars and spires",
        {"objective": "equalized", "layer": ["mixed5a"], "step_size": 0.006, "normalize": "laplacian"},
    ),
    "weave": (
        "a web of lines and stars over everything",
        {"objective": "l2", "layer": ["mixed5a"], "step_size": 0.006, "normalize": "laplacian"},
    ),
    "things": (
        "a class (--class) as fewer and larger things, where they fit; more of the photo stays",
        {"octaves": 7, "step_size": 0.0045, "normalize": "laplacian"},
    ),
    "deepdream": (
        "arches, dogs, faces and towers that follow the scene, by the network that learned GoogLeNet's features",
        {"model": "embedded-2", "objective": "l2", "layer": ["mixed4c"], "step_size": 0.006, "normalize": "laplacian"},
    ),
    "classic": ("the settings of the first DeepDream, with the network's own layer", {"objective": "l2"}),
}


USUAL = "deepdream"  # of a photograph, where nothing else was asked for
USUAL_OF_CLASS = "things"  # where only a class was


def usual(given: Mapping[str, Any]) -> str | None:
    """Return the preset that is meant where none is named: none where the settings say themselves what is raised."""
    wishes = [name for name in marked(DreamConfig, "goal") if name in given]
    return USUAL if not wishes else USUAL_OF_CLASS if wishes == ["class_name"] else None
