"""Settings of sound; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting

SCALES = {
    "pentatonic": (0, 2, 4, 7, 9), "minor-pentatonic": (0, 3, 5, 7, 10), "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10), "lydian": (0, 2, 4, 6, 7, 9, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10), "whole-tone": (0, 2, 4, 6, 8, 10), "chromatic": tuple(range(12)),
}  # fmt: skip
KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True, kw_only=True)
class SoundSettings:
    """How a film sounds."""

    scale: str = setting("minor-pentatonic", "Tones that are used.", choices=tuple(SCALES), group="sound")
    key: str = setting("D", "The root of the scale.", choices=KEYS, group="sound")
    tempo: float = setting(84.0, "Beats a minute, which notes keep to.", minimum=20, maximum=300, group="sound")
    drone: float = setting(1.0, "How loud the long tones are.", minimum=0, maximum=4, group="sound")
    bells: float = setting(1.0, "How loud the notes are, and how many.", minimum=0, maximum=4, group="sound")
    grains: float = setting(0.6, "How loud the grains of noise are, which follow motion.", minimum=0, maximum=4,
                            group="sound")  # fmt: skip
    room: float = setting(0.5, "How much reverberation there is.", minimum=0, maximum=1, group="sound")
    loudness: float = setting(-16.0, "Loudness of the whole, in LUFS.", minimum=-60, maximum=-5, group="sound")
    seed: int = setting(0, "Seed of all chance.", minimum=0, maximum=2**32 - 1, group="sound")


@dataclass(frozen=True, kw_only=True)
class SoundFilmConfig(SoundSettings):
    """How a film gets its sound."""

    loop: str = setting(
        "auto", "Whether the sound closes on itself; auto: where the film does.", choices=("auto", "yes", "no"),
        group="sound",
    )  # fmt: skip
    latents: str | None = setting(
        None, "Latents of its frames, whose way is heard; default: NAME-latents.safetensors beside the film.",
        file="network", group="sound",
    )  # fmt: skip
    song: str | None = setting(None, "Lay this sound under the film instead.", file="data", group="sound")


@dataclass(frozen=True, kw_only=True)
class SoundKeysConfig:
    """How a song becomes keyframes."""

    song: str = setting("", "The song.", file="data")
    map: tuple[str, ...] = setting(
        ("bass=zoom:1:1.05", "onset=strength:0.5:1.5"),
        "What drives what: BAND=PARAMETER:FROM:TO; bands: bass, low, middle, high, air, level, onset, beat.",
    )  # fmt: skip
    every: float = setting(0.1, "Seconds from key to key.", minimum=0.01, maximum=10)
    seconds: float | None = setting(None, "Only the first seconds of the song.", above=0, maximum=4 * 3600)
