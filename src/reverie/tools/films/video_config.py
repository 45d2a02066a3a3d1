"""Settings of moving pictures, for all tools and for `reverie dream`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.jobs.blocks import (
    audio_setting,
    codec_setting,
    crf_setting,
    duration_setting,
    speed_setting,
    start_setting,
)
from reverie.settings import setting

if TYPE_CHECKING:
    from reverie.media.footage import Encoding


@dataclass(frozen=True)
class FilmCodec:
    """How a film is encoded."""

    codec: str = codec_setting()
    crf: int = crf_setting(expert=True)
    preset: str = speed_setting(flag="--codec-speed")


@dataclass(frozen=True)
class FilmMotion:
    """How motion is found."""

    cuts: bool = setting(True, "Begin anew where the scene of a video changes.", expert=True)
    flow: str = setting("dis", "Estimator of motion.", choices=("dis", "raft"), expert=True)


@dataclass(frozen=True)
class FilmFile(FilmCodec, FilmMotion):  # the last base's fields come first, as records have them
    """How motion is found, and how the film is encoded."""

    start: float = start_setting()
    duration: float | None = duration_setting()
    audio: bool = audio_setting()

    def encoding(self) -> Encoding:
        """Return the same as `reverie.media` takes it."""
        from reverie.media.footage import Encoding

        return Encoding(self.codec, self.crf, self.preset, self.audio)


@dataclass(frozen=True)
class VideoConfig(FilmFile):
    """How a dream holds from frame to frame, and how the video is encoded."""

    coherence: str = setting(
        "flow", "What a frame of a video takes from the one before: nothing, its dream, or its dream moved along.",
        choices=("none", "blend", "flow"), expert=True)  # fmt: skip
    blend: float | None = setting(
        None, "Share of a frame that is new, the rest coming from the dream before; default: 0.5, 0.1 with flow.",
        minimum=0, maximum=1, expert=True)  # fmt: skip
    blend_mode: str = setting(
        "constant", "How that share varies from frame to frame.",
        choices=("constant", "uniform", "gaussian", "schedule"), expert=True)  # fmt: skip
    blend_spread: float = setting(
        0.2,
        "How far it varies: half the range, the standard deviation, or the amplitude.",
        minimum=0,
        maximum=1,
        expert=True,
    )
    blend_period: int = setting(
        48, "Frames in which the schedule rises and falls once.", minimum=2, maximum=1_000_000, expert=True
    )
    later_steps: int | None = setting(
        None,
        "Steps at each size from the second frame on; default: a share of --steps.",
        minimum=0,
        maximum=100_000,
        expert=True,
    )
