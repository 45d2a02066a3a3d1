"""Settings of films that are dreamt from one still picture, or from nothing; free of torch so that help is instant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reverie.errors import InputError
from reverie.settings import check_settings, setting

DEFAULT_SECONDS = 8.0
MOST_FRAMES = 1_000_000
KEYABLE = ("keyable",)  # mark of what a file of keyframes may change
ANCHOR_AT_REST = 0.8  # a still view without a way back to its picture would dream itself to pieces


@dataclass(frozen=True)
class LoopConfig:
    """How the view moves over a picture while it is being dreamt, and for how long."""

    zoom: str = setting("1", "Zoom of the film: grow by this factor every second, e.g. 1.04/s.", marks=KEYABLE)
    rotate: str = setting(
        "0", "Turn clockwise by this many degrees every second, e.g. 5/s.", expert=True, marks=KEYABLE
    )
    pan: str = setting(
        "0,0", "Wander right and down by these shares of the picture every second, e.g. 0.01,0/s.", expert=True,
        marks=KEYABLE,
    )  # fmt: skip
    keyframes: str | None = setting(None, "YAML file of parameters that change over the film; see docs/motion.md.")
    seconds: float | None = setting(None, "Length of a film made from a still picture; default: 8.", above=0)
    fps: str = setting("24", "Frames per second of that film, e.g. 25 or 30000/1001.")
    seamless: bool = setting(False, "The film's end leads back to its beginning.", expert=True)
    seam: float = setting(
        0.4, "Share of a seamless film in which it finds its way back.", minimum=0.05, maximum=1, expert=True
    )
    border: str = setting(
        "auto", "What comes in from outside: the picture mirrored or repeated; auto repeats where the view wanders.",
        choices=("auto", "reflect", "wrap"), expert=True)  # fmt: skip
    anchor: float | None = setting(
        None, "Share of the way back to the original picture in every second; default: 0, or 0.8 at rest.",
        minimum=0, maximum=1, expert=True, marks=KEYABLE)  # fmt: skip
    song: str | None = setting(
        None, "A song that drives the film, as long as itself unless --seconds says otherwise, and lies under it.",
        file="data", late=True,
    )  # fmt: skip
    map: tuple[str, ...] = setting(
        (), "What of the song drives what: BAND=PARAMETER:FROM:TO; default: bass=zoom:1:1.05 onset=strength:0.5:1.5; "
        "bands: bass, low, middle, high, air, level, onset, beat; parameters as in --keyframes.",
        needs=("song",), late=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Film:
    """The same, understood: numbers instead of texts."""

    zoom: float
    rotate_deg: float
    pan: tuple[float, float]
    length_s: float
    rate: Fraction
    frames: int
    seam_frames: int
    border: str
    anchor: float


def plan_film(config: LoopConfig, keyed: Mapping[str, Any] | None = None) -> Film:
    """Return what the settings mean.

    Args:
        config: the settings.
        keyed: names of the parameters that keyframes change, which decide the defaults of the others.

    Raises:
        InputError: a value that is not understood or out of range; a film that is too short or too long.
    """
    check_settings(config)
    zoom, rotate, pan = _rate("zoom", config.zoom), _rate("rotate", config.rotate), _pair("pan", config.pan)
    if not 0.01 <= zoom <= 100:
        raise InputError(f"--zoom must be between 0.01 and 100 per second; got {config.zoom}")
    frames, rate = film_length(config.seconds, config.fps)
    keyed = keyed or {}
    wanders = pan != (0, 0) or "pan" in keyed
    moves = wanders or zoom != 1 or rotate != 0 or "zoom" in keyed or "rotate" in keyed
    border = ("wrap" if wanders else "reflect") if config.border == "auto" else config.border
    anchor = (0.0 if moves else ANCHOR_AT_REST) if config.anchor is None else config.anchor
    seam = max(2, min(frames, round(frames * config.seam))) if config.seamless else 0
    return Film(zoom, rotate, pan, float(frames / rate), rate, frames, seam, border, anchor)


def film_length(seconds: float | None, fps: str) -> tuple[int, Fraction]:
    """Return the number of frames and their rate of a film from a still picture.

    Raises:
        InputError: a rate that is none, or a film that is too short or too long.
    """
    rate = parse_fps(fps)
    length_s = DEFAULT_SECONDS if seconds is None else seconds
    frames = round(length_s * rate)
    if not 2 <= frames <= MOST_FRAMES:
        raise InputError(f"--seconds {length_s:g} at {fps} frames per second are {frames} frames; expected "
                         f"2 to {MOST_FRAMES:,}")  # fmt: skip
    return frames, rate


def parse_fps(text: str) -> Fraction:
    """Return frames per second, exactly.

    Raises:
        InputError: not a number from 0.1 to 1000.
    """
    try:
        rate = Fraction(str(text).strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not Fraction(1, 10) <= rate <= 1000:
        raise InputError(f"--fps must look like 24 or 30000/1001, from 0.1 to 1000; got '{text}'")
    return rate


def _rate(name: str, text: str) -> float:
    try:
        value = float(text.strip().removesuffix("/s"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        example = "1.04/s" if name == "zoom" else "5/s"
        raise InputError(f"--{name} must be a number per second, such as {example}; got '{text}'")
    return value


def _pair(name: str, text: str) -> tuple[float, float]:
    parts = text.strip().removesuffix("/s").replace(",", " ").split()
    try:
        across, down = (float(part) for part in parts)
    except ValueError:
        across = down = math.nan
    if not (math.isfinite(across) and math.isfinite(down)):
        raise InputError(f"--{name} must be two shares per second, right and down, such as 0.01,0/s; got '{text}'")
    return across, down
