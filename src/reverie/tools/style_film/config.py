"""Settings of `reverie style` for moving pictures; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass, field

from reverie.jobs.blocks import speed_setting
from reverie.settings import setting
from reverie.tools.films.video_config import FilmFile
from reverie.tools.style.config import StyleConfig


@dataclass(frozen=True)
class StyleFilmConfig(FilmFile):
    """How a stylized film holds still, what changes over it, and how it is encoded."""

    preset: str = speed_setting(flag="--codec-speed", alias=("--preset",))
    coherence: str = setting(
        "flow", "What a frame of a film takes from those before: nothing, or what was stylized, moved along.",
        choices=("none", "flow"), expert=True)  # fmt: skip
    temporal: float | None = setting(
        None, "Weight of staying near what was stylized before, where it is seen; default: 1, 0 for a still picture.",
        minimum=0, maximum=1000, own=True, decided=True, needs=("coherence=flow",), expert=True)  # fmt: skip
    anchor: tuple[int, ...] = setting(
        (1, 8), "How many frames back to stay near to; further ones count where nearer ones do not see; repeatable.",
        needs=("coherence=flow",), expert=True)  # fmt: skip
    later_steps: int | None = setting(
        None, "Steps of every frame that begins with the one before; default: 0.4 of the last scale's.", minimum=0,
        maximum=100_000, own=True, decided=True, needs=("coherence=flow",), expert=True)  # fmt: skip
    interpolate: bool = setting(
        False, "Go from the first style to the last, evenly over the film.", own=True, moves=True
    )
    keyframes: str | None = setting(
        None,
        "YAML file of styles and strengths that change over the film; see docs/style-films.md.",
        own=True,
        moves=True,
    )
    seconds: float | None = setting(
        None, "Length of a film stylized from a still picture; default: 8.", above=0, own=True, moves=True
    )
    fps: str | None = setting(
        None, "Frames per second of that film, e.g. 25 or 30000/1001; default: 24.", own=True, moves=True
    )


@dataclass(frozen=True)
class StyleFilmJob:
    """All settings of a stylized film: how frames are stylized, and how they become a film."""

    config: StyleConfig = field(default_factory=StyleConfig)
    video: StyleFilmConfig = field(default_factory=StyleFilmConfig)
