"""Settings by name, in whichever of their sections they stand."""

from __future__ import annotations

from collections.abc import Mapping

from reverie.jobs.job import Json, sections
from reverie.jobs.tool import changed


def seed_of(config: object) -> int:
    """Return the seed of settings, wherever it stands in them; 0 where there is none."""
    for part in sections(config).values():
        seed = getattr(part, "seed", None)
        if isinstance(seed, int):
            return seed
    return 0


def setting_of(config: object, name: str) -> object:
    """Return the value of a field of settings, wherever it stands in them; None where there is none."""
    return next((getattr(part, name) for part in sections(config).values() if hasattr(part, name)), None)


def has_field(config: object, name: str) -> bool:
    """Tell whether settings have a field."""
    return any(hasattr(part, name) for part in sections(config).values())


def with_chosen(config: object, values: Mapping[str, Json]) -> object:
    """Return settings with what a work resolved itself; a list becomes the tuple that its field holds."""
    for name, value in values.items():
        config = changed(config, name, tuple(value) if isinstance(value, list) else value)
    return config
