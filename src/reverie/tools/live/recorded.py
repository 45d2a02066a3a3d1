"""A show as every live tool opens it, its recording, and the poses that a recording gives again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.session import Session
from reverie.jobs.work import Chosen
from reverie.media.signals.take import Take, read_take
from reverie.settings import parse_settings
from reverie.tools.live.config import ShowSettings
from reverie.tools.live.mapping import LiveMap, parse_map, read_map
from reverie.tools.live.reactions import Rules, look_of, parse_rules, read_rules
from reverie.tools.live.work import LiveWork, Scene, Stage, again

MOST_FRAMES = 10_000_000
C = TypeVar("C")
P = TypeVar("P")  # what a scene is drawn from
Seen: TypeAlias = Callable[[P], Mapping[str, float]]
"""Gives {"class NAME": probability} of the picture of a pose."""


class Show(Generic[P]):
    """A scene, what moves it and what happens by itself, as the settings say.

    Raises:
        InputError: a map or rules that cannot be read.
    """

    def __init__(self, config: ShowSettings, scene: Scene[P], session: Session) -> None:
        self.config, self.scene, self._session = config, scene, session
        self.map = parse_map(scene.usual) if config.map is None else read_map(Path(config.map))
        self.rules = None if config.rules is None else read_rules(Path(config.rules))

    def work(self, seed: int, about: dict[str, Json], chosen: Chosen, device: str, scratch: Path | None) -> LiveWork[P]:
        """Return the show as a work; `about` is what its session says besides map and rules."""
        config, rules = self.config, self.rules
        about = {**about, "map": self.map.text, "rules": "" if rules is None else rules.text}
        return LiveWork(
            Stage(self.scene, self.map, rules, seed), config.fps, config.seconds, about, chosen,
            look=look_of(rules, self._session, config.critic, device), scratch=scratch,
        )  # fmt: skip


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
    return take, parse_settings(config, stored, f"the settings inside '{file}'")


@dataclass(frozen=True)
class Playback(Generic[P]):
    """A recorded show as frames of a film.

    Attributes:
        rate: frames a second.
        poses: of the scene, one a frame.
        map: of signals.
        rules: that it was played with.
    """

    rate: Fraction
    poses: Sequence[P]
    map: LiveMap
    rules: Rules | None


def playback(
    take: Take, fps: float, map_file: str | None, scene: Scene[P], seed: int,
    look: Callable[[Rules | None], Seen[P] | None] = lambda _: None,
) -> Playback[P]:  # fmt: skip
    """Return a show again as it came live, with another map if a file is named.

    Args:
        take: what came in.
        fps: frames a second.
        map_file: another map.
        scene: what is moved.
        seed: of chance.
        look: what the rules see of a pose; nothing, where absent.

    Raises:
        InputError: it has too many frames, or a map or rules that cannot be read.
    """
    rate = Fraction(fps).limit_denominator(1001)
    frames = max(1, round(take.length_s * rate))
    if frames > MOST_FRAMES:
        raise InputError(f"the session has {frames:,} frames at {fps:g} a second; at most {MOST_FRAMES:,}")
    text, words = (str(take.about.get(key, "")) for key in ("map", "rules"))
    live_map = parse_map(text, "the session's map") if map_file is None else read_map(Path(map_file))
    rules = parse_rules(words, "the session's reactions") if words else None
    poses = again(Stage(scene, live_map, rules, seed), take, frames, float(rate), look(rules))
    return Playback(rate, poses, live_map, rules)
