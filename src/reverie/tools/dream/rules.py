"""Which settings of a dream go together, beyond what their fields say; free of torch."""

from __future__ import annotations

from dataclasses import replace

from reverie import settings
from reverie.errors import InputError
from reverie.settings import marked
from reverie.tools.dream.config import DreamConfig, Group


def check_dream(config: DreamConfig) -> None:
    """Refuse what no single field can know.

    Raises:
        InputError: groups in a spectrum.
    """
    if config.group and config.canvas == "spectrum":
        raise InputError("--group dreams in pixels, not with --canvas spectrum")


def check_together(config: DreamConfig, *, has_picture: bool | None = None) -> None:
    """Refuse settings that contradict each other; `has_picture` is whether there is one to dream on, if known.

    Raises:
        InputError: names both settings and the way out.
    """
    settings.check_together(config, has_input=has_picture)
    check_dream(config)


def alone(group: Group, whole: DreamConfig) -> DreamConfig:
    """Return the settings of a dream of one group alone."""
    return replace(whole, group=(), **{name: getattr(group, name) for name in marked(DreamConfig, "of a group")})


def parse_groups(config: DreamConfig) -> tuple[Group, ...]:
    """Return the groups of a dream, each checked.

    Raises:
        InputError: a text that cannot be read, or settings in it that contradict each other.
    """
    found = tuple(Group.parse(text) for text in config.group)
    for group in found:
        own = alone(group, config)
        try:
            settings.check_settings(own)
            check_together(own)
        except InputError as error:
            raise InputError(f"--group '{group}': {error}") from error
    return found
