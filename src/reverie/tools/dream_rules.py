"""Which settings of a dream go together; free of torch, so that contradictions are refused before anything is read."""

from __future__ import annotations

import dataclasses
from typing import Any

from reverie.errors import InputError
from reverie.tools.dream_config import DreamConfig

# What a dream raises is one of: layers (with channels), a class, a guide, a guiding class, a caricature, groups.
# An artwork (target_from) comes on top of any of them but groups.
APART: dict[str, tuple[str, ...]] = {
    "class_name": ("layer", "channel", "guide", "guide_class", "caricature", "group"),
    "guide": ("channel", "guide_class", "caricature", "group"),
    "guide_class": ("channel", "caricature", "group"),
    "caricature": ("channel", "group"),
    "group": ("layer", "channel", "target_from"),
}
PART_OF: dict[str, tuple[str, ...]] = {
    "guide_form": ("guide",),
    "guide_size": ("guide",),
    "caricature_power": ("caricature",),
    "target_class": ("target_from",),
    "target_layer": ("target_from",),
    "target_form": ("target_from",),
    "target_weight": ("target_from",),
}
NEEDS_PICTURE = ("mask", "caricature", "group", "keep_colors")
DEFAULTS = {field.name: field.default for field in dataclasses.fields(DreamConfig)}


def check_together(config: DreamConfig, *, has_picture: bool | None = None) -> None:
    """Refuse settings that contradict each other; `has_picture` is whether there is one to dream on, if known.

    Raises:
        InputError: names both settings and the way out.
    """
    given = {name for name, default in DEFAULTS.items() if getattr(config, name) != default}
    for name, others in APART.items():
        for other in others:
            if name in given and other in given:
                raise InputError(f"{flag(name)} does not go with {flag(other)}; {_way_out(name)}")
    for name, wholes in PART_OF.items():
        if name in given and not given.intersection(wholes):
            raise InputError(f"{flag(name)} goes with {' or '.join(flag(w) for w in wholes)}; leave it out or add it")
    if "group" in given and config.canvas == "spectrum":
        raise InputError("--group dreams in pixels, not with --canvas spectrum")
    for name in NEEDS_PICTURE if has_picture is False else ():
        if name in given:
            raise InputError(f"{flag(name)} needs a picture to dream on")


def without_rivals(stored: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return stored settings without those that the given ones stand against, so that new ones can be laid on top."""
    chosen = {name for name, value in given.items() if name in DEFAULTS and value != DEFAULTS[name]}
    rivals = {other for name in chosen for other in _rivals(name)} - chosen
    kept = {name: value for name, value in stored.items() if name not in rivals}
    for name, wholes in PART_OF.items():
        if name not in chosen and not any((kept | given).get(whole) for whole in wholes):
            kept.pop(name, None)
    return kept


def flag(name: str) -> str:
    """Return how a setting is called on the command line."""
    return "--class" if name == "class_name" else "--" + name.replace("_", "-")


def _rivals(name: str) -> set[str]:
    return {*APART.get(name, ()), *(other for other, apart in APART.items() if name in apart)}


def _way_out(name: str) -> str:
    if name == "group":
        return "say layer, class or guide inside each group"
    return "choose one, or give each a region of its own with --group"
