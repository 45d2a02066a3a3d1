"""Settings of moving pictures, for all tools and for `reverie dream`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.settings import setting

if TYPE_CHECKING:
    from reverie.media.footage import Encoding

CODEC_SPEEDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True)
class FilmCodec:
    """How a film is encoded."""

    codec: str = setting(
        "libx264", "Codec of a video.",
        choices=("libx264", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1"), replay=False, counts=True,
        expert=True)  # fmt: skip
    crf: int = setting(
        18, "Quality of a video; smaller is better.", minimum=0, maximum=63, replay=False, counts=True, expert=True
    )
    preset: str = setting(
        "medium", "Speed of the codec.", choices=CODEC_SPEEDS, replay=False, counts=True, flag="--codec-speed",
        expert=True)  # fmt: skip


@dataclass(frozen=True)
class FilmMotion:
    """How motion is found."""

    cuts: bool = setting(True, "Begin anew where the scene of a video changes.", expert=True)
    flow: str = setting("dis", "Estimator of motion.", choices=("dis", "raft"), expert=True)


@dataclass(frozen=True)
class FilmFile(FilmCodec, FilmMotion):  # the last base's fields come first, as records have them
    """How motion is found, and how the film is encoded."""

    start: float = setting(0.0, "Second of a video to begin at: 2.5 or 0:02.5.", minimum=0, late=True, own=True)
    duration: float | None = setting(
        None, "Seconds of a video to take from there on; default: to its end.", above=0, late=True, own=True
    )
    audio: bool = setting(True, "Take over the sound of a video.", replay=False, counts=True, expert=True)

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
