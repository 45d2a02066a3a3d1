"""Recorded shows: what they were played with, and the film that is made of one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from reverie.errors import InputError
from reverie.media.signals.take import Take, read_take
from reverie.settings import parse_settings
from reverie.tools.live.mapping import LiveMap, parse_map, read_map
from reverie.tools.live.reactions import Rules, parse_rules

MOST_FRAMES = 10_000_000
C = TypeVar("C")


def read_session(file: str, tool: str, config: type[C]) -> tuple[Take, C]:
    """Return a recorded show of a tool, and the settings it was played with.

    Raises:
        InputError: it cannot be read, or another tool played it.
    """
    take = read_take(Path(file))
    by, stored = take.about.get("tool"), take.about.get("settings")
    if by != tool:
        render = tool.replace("live", "render")
        raise InputError(f"'{file}' was recorded by '{by}'; '{render}' takes sessions of '{tool}'")
    settings: Any = stored  # whatever a file holds: checked field by field
    return take, parse_settings(config, settings, f"the settings inside '{file}'")


@dataclass(frozen=True)
class Playback:
    """How a recorded show is made again.

    Attributes:
        rate: frames a second.
        frames: how many.
        map: of signals.
        rules: that it was played with.
    """

    rate: Fraction
    frames: int
    map: LiveMap
    rules: Rules | None


def playback(take: Take, fps: float, map_file: str | None) -> Playback:
    """Return how a show is made again, with another map if a file is named.

    Raises:
        InputError: it has too many frames, or a map or rules that cannot be read.
    """
    rate = Fraction(fps).limit_denominator(1001)
    frames = max(1, round(take.length_s * rate))
    if frames > MOST_FRAMES:
        raise InputError(f"the session has {frames:,} frames at {fps:g} a second; at most {MOST_FRAMES:,}")
    text, rules = (str(take.about.get(key, "")) for key in ("map", "rules"))
    live_map = parse_map(text, "the session's map") if map_file is None else read_map(Path(map_file))
    return Playback(rate, frames, live_map, parse_rules(rules, "the session's reactions") if rules else None)
