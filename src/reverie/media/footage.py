"""Moving pictures of every kind behind one face: videos, GIFs and animated WebPs in and out, APNG and AVIF in.

Reading gives frames and the time each is shown; a picture can be shown for a while as if it were a film. `assemble`
puts frames into a file of any of these kinds, with the times of the original. Videos show every frame equally long, so
the frames of an animation are repeated in them; a GIF counts in hundredths of a second and shows nothing for less than
two, so frames that are quicker are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from reverie.errors import InputError
from reverie.media.animation import (
    AnimationInfo,
    animation_frames,
    read_animation,
    shown_ms,
)
from reverie.media.animation_write import AnimationWriter
from reverie.media.moving import is_animated, is_video, may_be_animation
from reverie.media.suffixes import ANIMATIONS_WRITTEN, VIDEOS, VIDEOS_WRITTEN
from reverie.media.video import frames, read_video
from reverie.media.video_write import VideoWriter, check_codec
from reverie.media.write import check_place

FASTEST = 100  # frames per second of a video made from an animation: the ticks of a GIF
UNIT_MS = {".gif": 10, ".webp": 1}
SHORTEST_MS = {".gif": 20, ".webp": 11}


@dataclass(frozen=True)
class Footage:
    """What is known of moving pictures before their frames are read.

    `size` is (height, width); `shown_s` is how long each frame is shown, one value if all are equal; `rate` frames per
    second, on average for animations; `plays` is how often it runs, 0 for ever; `notes` are lines for the user.
    """

    path: Path
    size: tuple[int, int]
    frames: int
    rate: Fraction
    shown_s: tuple[Fraction, ...]
    plays: int
    transparent: bool
    audio: bool
    notes: tuple[str, ...]
    info: Any
    first: int = 0  # number, in the file, of the first frame; see `cut`

    @property
    def begin_s(self) -> Fraction:
        """Seconds of the file before the first frame."""
        return self.first / self.rate if isinstance(self.info, Still) or len(self.shown_s) == 1 else Fraction(0)

    def shown(self, number: int) -> Fraction:
        """Return for how many seconds a frame is shown."""
        return self.shown_s[0] if len(self.shown_s) == 1 else self.shown_s[number]


@dataclass(frozen=True, eq=False)
class Still:
    """What all frames of a film from one picture are, ``[H, W, 3]`` uint8."""

    pixels: np.ndarray


@dataclass(frozen=True)
class Encoding:
    """How a video is encoded, and whether it gets the sound of its source."""

    codec: str = "libx264"
    crf: int = 18
    preset: str = "medium"
    audio: bool = True


def is_footage(path: Path | str) -> bool:
    """Return whether a file moves: a video by its content or name, or a GIF, WebP, PNG or AVIF of several frames."""
    path = Path(path)
    return is_animated(path) if may_be_animation(path) else is_video(path) or path.suffix.lower() in VIDEOS


def open_footage(path: Path | str) -> Footage:
    """Look through moving pictures.

    Raises:
        VideoError, PictureError: what the file lacks, in one line.
    """
    path = Path(path)
    if may_be_animation(path):
        found = read_animation(path)
        times = tuple(Fraction(shown_ms(d), 1000) for d in found.durations_ms)
        return Footage(path, found.size, found.frames, found.rate, times, found.plays, found.transparent, False,
                       found.notes, found)  # fmt: skip
    video = read_video(path)
    return Footage(path, video.size, video.frames, video.rate, (1 / video.rate,), 0, False, video.audio, video.notes,
                   video)  # fmt: skip


def still_footage(path: Path | str, pixels: np.ndarray, frames: int, rate: Fraction) -> Footage:
    """Return a picture ``[H, W, 3]`` uint8 as a film in which nothing happens."""
    size = (pixels.shape[0], pixels.shape[1])
    return Footage(Path(path), size, frames, rate, (1 / rate,), 0, False, False, (), Still(pixels))


def cut(footage: Footage, start_s: float = 0.0, duration_s: float | None = None) -> Footage:
    """Return the part of moving pictures that begins at `start_s` and lasts for `duration_s`, or to the end.

    Raises:
        InputError: nothing of it lies there.
    """
    if start_s == 0 and duration_s is None:
        return footage
    if len(footage.shown_s) == 1:
        first = math.ceil(start_s * footage.rate)
        count = footage.frames - first
        count = count if duration_s is None else min(count, max(1, round(duration_s * footage.rate)))
        times = footage.shown_s
    else:
        begins = [sum(footage.shown_s[:k], Fraction(0)) for k in range(footage.frames)]
        end = math.inf if duration_s is None else start_s + duration_s
        inside = [k for k, begin in enumerate(begins) if begin + Fraction(1, 10**6) >= start_s and begin < end]
        first, count = (inside[0], len(inside)) if inside else (footage.frames, 0)
        times = footage.shown_s[first : first + count]
    if count < 1:
        whole = float(sum((footage.shown(k) for k in range(footage.frames)), Fraction(0)))
        raise InputError(f"'{footage.path.name}' is {whole:.2f} s long; nothing of it lies behind --start {start_s:g}")
    return replace(footage, first=footage.first + first, frames=count, shown_s=times)


def footage_frames(footage: Footage, *, start: int = 0, alpha: bool = False) -> Iterator[np.ndarray]:
    """Yield the frames from number `start` on, ``[H, W, 3]`` uint8 sRGB; with `alpha`, four channels of an animation.

    Raises:
        VideoError, PictureError: as `open_footage`.
    """
    if isinstance(footage.info, Still):
        return repeat(footage.info.pixels, max(0, footage.frames - start))
    whole = _whole_frames(footage, start=start + footage.first, alpha=alpha)
    return whole if footage.first == 0 and footage.frames == footage.info.frames else islice(
        whole, max(0, footage.frames - start)
    )  # fmt: skip


def _whole_frames(footage: Footage, *, start: int, alpha: bool) -> Iterator[np.ndarray]:
    if isinstance(footage.info, AnimationInfo):
        return animation_frames(footage.path, footage.info, start=start, alpha=alpha)
    return frames(footage.path, footage.info, start=start)


def check_target(target: Path, encoding: Encoding) -> None:
    """Check before hours of work that a file can be written there.

    Raises:
        InputError: unknown suffix or codec.
        OutputError: no folder, or no permission.
    """
    suffix = target.suffix.lower()
    known = (*VIDEOS_WRITTEN, *ANIMATIONS_WRITTEN)
    if suffix not in known:
        raise InputError(f"cannot write '{target}': known for moving pictures: {', '.join(known)}")
    if suffix in VIDEOS_WRITTEN:
        check_codec(target, encoding.codec, encoding.crf, encoding.preset)
    check_place(target)


def assemble(
    target: Path, pictures: Iterable[np.ndarray], footage: Footage, encoding: Encoding,
    settings: Mapping[str, Any] | None = None,
) -> list[str]:  # fmt: skip
    """Write pictures, one per frame of `footage`, with its times and sound; return notes for the user.

    Raises:
        InputError, OutputError: as the writers; nothing is left behind.
    """
    check_target(target, encoding)
    if target.suffix.lower() in ANIMATIONS_WRITTEN:
        silent = [f"{target.suffix} holds no sound: it is left out"] if footage.audio and encoding.audio else []
        return [*_animation(target, pictures, footage, settings), *silent]
    return _video(target, pictures, footage, encoding, settings)


def _video(
    target: Path, pictures: Iterable[np.ndarray], footage: Footage, encoding: Encoding,
    settings: Mapping[str, Any] | None,
) -> list[str]:  # fmt: skip
    rate = 1 / footage.shown_s[0] if len(set(footage.shown_s)) == 1 else _common_rate(footage.shown_s)
    sound = footage.path if footage.audio and encoding.audio else None
    due = Fraction(0)
    notes: list[str] = []
    with _first(pictures) as (size, rest), VideoWriter(
        target, size, rate, audio_from=sound, audio_start_s=footage.begin_s,
        settings=settings, codec=encoding.codec, crf=encoding.crf,
        preset=encoding.preset,
    ) as writer:  # fmt: skip
        for number, picture in enumerate(rest):
            due += footage.shown(number)
            for _ in range(max(1, math.floor(due * rate + Fraction(1, 2)) - writer.count)):
                writer.write(picture)
        if writer.size != size:
            notes.append(f"the codec needs even sizes: {writer.size[1]} x {writer.size[0]} px instead of "
                         f"{size[1]} x {size[0]}, by repeating the edge")  # fmt: skip
        if writer.sound == "encoded":
            notes.append(f"{target.suffix} does not hold the sound as it is: it was encoded anew")
    return notes


def _common_rate(shown_s: tuple[Fraction, ...]) -> Fraction:
    """Return the rate whose ticks all times are multiples of, or the fastest allowed."""
    tick = math.gcd(*(round(s * 1000) for s in shown_s))
    return min(Fraction(1000, tick), Fraction(FASTEST))


def _animation(
    target: Path, pictures: Iterable[np.ndarray], footage: Footage, settings: Mapping[str, Any] | None
) -> list[str]:
    suffix = target.suffix.lower()
    left_out = 0
    begin = due = Fraction(0)
    with _first(pictures) as (size, rest), AnimationWriter(
        target, size, plays=footage.plays, settings=settings, transparent=footage.transparent
    ) as writer:  # fmt: skip
        for number, picture in enumerate(rest):
            due += footage.shown(number)
            length = _ticks(due, suffix) - _ticks(begin, suffix)
            if length < SHORTEST_MS[suffix] and number + 1 < footage.frames:
                left_out += 1
                continue
            writer.write(picture, length)
            begin = due
    return [f"{suffix} is too slow for this rate: {left_out} frames are left out"] if left_out else []


def _ticks(time_s: Fraction, suffix: str) -> int:
    """Return a time in whole ticks of the format, in milliseconds; rounding the time itself lets no error add up."""
    unit = UNIT_MS[suffix]
    return math.floor(time_s * 1000 / unit + Fraction(1, 2)) * unit


@contextmanager
def _first(pictures: Iterable[np.ndarray]) -> Iterator[tuple[tuple[int, int], Iterator[np.ndarray]]]:
    """Give the size of the first picture, and all pictures."""
    rest = iter(pictures)
    first = next(rest, None)
    if first is None:
        raise InputError("there are no frames to write")

    def chained() -> Iterator[np.ndarray]:
        yield first
        yield from rest

    yield (first.shape[0], first.shape[1]), chained()
