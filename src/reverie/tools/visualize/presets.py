"""Looks of a class picture by name, each a line of settings; options given beside a preset win. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.weights.embedded import EMBEDDED, EMBEDDED_NAMES

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
OWN_WAYS = ("weights", "ensemble", "layer", "channel", "neuron")


def usual(given: Mapping[str, Any]) -> str | None:
    """Return the preset that is meant where none is named: none for features and other networks."""
    first = given.get("model", EMBEDDED) in (EMBEDDED, EMBEDDED_NAMES[1])
    return USUAL if first and "class_name" in given and not any(name in given for name in OWN_WAYS) else None
