"""Looks of a dream by name, each a line of settings; options given beside a preset win. Free of torch."""

from __future__ import annotations

from typing import Any

from reverie.errors import InputError, unknown_name

# name → (what it looks like, settings); chosen by looking, for the embedded network
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "creatures": (
        "animals, faces and eyes that grow out of what is there",
        {"objective": "equalized", "layer": ["mixed4c"], "step_size": 0.007},
    ),
    "village": (
        "people in hats, tents and small houses",
        {"objective": "peaks", "layer": ["mixed4c"], "step_size": 0.007},
    ),
    "carnival": (
        "cars, fruit and figures; more of the photo stays, with little grain",
        {"objective": "peaks", "layer": ["mixed4c", "mixed5a"], "step_size": 0.007, "normalize": "laplacian"},
    ),
    "crowd": (
        "small people, cars and spires",
        {"objective": "equalized", "layer": ["mixed5a"], "step_size": 0.007},
    ),
    "weave": ("a web of lines and stars over everything", {"objective": "l2", "layer": ["mixed5a"]}),
    "classic": ("the settings of the first DeepDream, with the network's own layer", {"objective": "l2"}),
}


def preset_settings(name: str) -> dict[str, Any]:
    """Return the settings of a preset.

    Raises:
        InputError: there is none of that name.
    """
    if name not in PRESETS:
        raise InputError(unknown_name("preset", name, PRESETS))
    return dict(PRESETS[name][1])


def described() -> str:
    """Return all presets in one line, for the help."""
    return "; ".join(f"{name}: {what}" for name, (what, _) in PRESETS.items())
