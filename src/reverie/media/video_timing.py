"""When the frames of a video are shown: their timestamps, counted without decoding, and the rate that follows."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

RATES = tuple(Fraction(n, d) for n, d in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1),
              (60000, 1001), (60, 1), (100, 1), (120000, 1001), (120, 1), (240, 1)))  # fmt: skip
MOST_DURATIONS = 4096  # different ones that are counted
RATE_TOLERANCE = 0.03  # a clip this near to a usual rate is meant to have it


@dataclass
class Scan:
    """Number and timestamps of the packets, in units of the stream's time base."""

    packets: int = 0
    first: int | None = None
    last: int | None = None
    durations: Counter[int] = field(default_factory=Counter)

    def add(self, pts: int | None, duration: int | None) -> None:
        self.packets += 1
        if pts is not None:
            self.first = pts if self.first is None else min(self.first, pts)
            self.last = pts if self.last is None else max(self.last, pts)
        if duration and (duration in self.durations or len(self.durations) < MOST_DURATIONS):
            self.durations[duration] += 1

    @property
    def span(self) -> int:
        """Time from the first frame to the last."""
        return 0 if self.first is None or self.last is None else self.last - self.first

    @property
    def typical(self) -> Fraction | None:
        """Time from a frame to the next: the median where files tell it, for pauses must not count, else the mean."""
        below = 0
        for duration, count in sorted(self.durations.items()):
            below += count
            if 2 * below >= self.durations.total():
                return Fraction(duration)
        return Fraction(self.span, self.packets - 1) if self.packets > 1 and self.span > 0 else None


def scan(container: Any, stream: Any) -> Scan:
    """Look through the packets of a stream, as far as the file goes."""
    found = Scan()
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                found.add(packet.pts, packet.duration)
    except FFmpegError:
        return found  # broken off: what came before counts
    return found


def rate_of(stream: Any, typical_s: Fraction | None) -> Fraction:
    """Return the rate that the file names, if its frames follow it, else the usual one next to theirs, else theirs."""
    given = [Fraction(r) for r in (stream.guessed_rate, stream.average_rate) if r]
    if typical_s is None:
        return next((r for r in given if r <= RATES[-1]), Fraction(25))
    own = 1 / typical_s
    for rate in (*given, *sorted(RATES, key=lambda r: abs(r - own))):
        if abs(rate / own - 1) < RATE_TOLERANCE:
            return rate
    return own.limit_denominator(1001)


def promised_s(container: Any, stream: Any) -> float:
    """Return the length that a file without a frame count announces in its header, or 0."""
    parts = str(stream.metadata.get("DURATION", "")).split(":")
    if len(parts) == 3:
        with contextlib.suppress(ValueError):
            return float(parts[0]) * 3600 + float(parts[1]) * 60 + float(parts[2])
    return 0.0 if container.streams.audio or not container.duration else container.duration / av.time_base
