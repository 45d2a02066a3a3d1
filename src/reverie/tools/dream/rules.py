"""Which settings of a dream go together, beyond what their fields say; free of torch."""

from __future__ import annotations

from reverie import settings
from reverie.errors import InputError
from reverie.tools.dream.config import DreamConfig


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
