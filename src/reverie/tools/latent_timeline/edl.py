"""Edit decision lists in the CMX3600 form, as editing programs export them: which frames of which clip, when, how fast.

    001  AX  V  C        00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00
    * FROM CLIP NAME: walk.mp4
    002  AX  V  C        00:00:02:00 00:00:02:00 00:00:02:00 00:00:02:00
    002  AX  V  D    012 00:00:01:00 00:00:03:00 00:00:02:00 00:00:04:00
    * FROM CLIP NAME: walk.mp4
    * TO CLIP NAME: loop.mp4
    M2   AX  050.0       00:00:01:00

The times are of the source, from and to, and of the result, from and to. C is a cut, D a dissolve of so many frames
from what went before; M2 is a speed in frames per second, negative for backwards, 0 for a freeze.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reverie.errors import InputError

TIME = r"(\d\d):(\d\d):(\d\d)[:;](\d\d)"
EVENT = re.compile(rf"^(\d+)\s+(\S+)\s+(\S+)\s+([A-Z]\d*)\s+(?:(\d+)\s+)?{TIME}\s+{TIME}\s+{TIME}\s+{TIME}\s*$")
NAME = re.compile(r"^\*\s*(FROM|TO) CLIP NAME:\s*(.+?)\s*$", re.IGNORECASE)
SPEED = re.compile(rf"^M2\s+(\S+)\s+(-?\d+(?:\.\d+)?)\s+{TIME}\s*$")
MOST_EVENTS, MOST_FRAMES = 10_000, 10_000_000
USUAL_FPS, MOST_FPS = 30.0, 240.0


@dataclass(frozen=True)
class Event:
    """One stretch of the result; all times in frames.

    Attributes:
        clip: name of the clip it shows.
        source: its first frame of the clip.
        begin, end: first frame of the result, and the one after the last.
        speed: frames of the clip for each frame of the result.
        dissolve: frames in which it comes out of what went before.
        before: clip and frame that went before, for a dissolve.
        before_speed: its frames for each frame of the result.
    """

    clip: str
    source: float
    begin: int
    end: int
    speed: float = 1.0
    dissolve: int = 0
    before: tuple[str, float] | None = None
    before_speed: float = 1.0


@dataclass(frozen=True)
class Edit:
    """All stretches of the picture, in order, at `fps` frames a second, and what could not be understood."""

    events: tuple[Event, ...]
    notes: tuple[str, ...]
    fps: float

    @property
    def frames(self) -> int:
        """How many frames the result has."""
        return self.events[-1].end

    @property
    def clips(self) -> tuple[str, ...]:
        """The names of all clips."""
        named = [e.clip for e in self.events] + [e.before[0] for e in self.events if e.before is not None]
        return tuple(dict.fromkeys(named))


def parse_edl(text: str, name: str, fps: float | None) -> Edit:
    """Return the edit of a list; the result begins at its earliest frame.

    Raises:
        InputError: no events, or one that cannot be used, named.
    """
    notes = [f"'{name}' says no rate: {USUAL_FPS:g} frames/s are assumed, --fps says it"] if fps is None else []
    fps = fps or USUAL_FPS
    rows = _rows(text, round(fps), notes)
    if not rows:
        raise InputError(f"'{name}' holds no edit: expected lines such as '001  AX  V  C  00:00:00:00 ...'")
    if len(rows) > MOST_EVENTS:
        raise InputError(f"'{name}' has {len(rows)} events; at most {MOST_EVENTS} are read")
    start = min(row.begin for row in rows)
    events: list[Event] = []
    for row in sorted(rows, key=lambda r: (r.begin, r.end)):
        if row.end == row.begin:  # the frame that a dissolve comes from
            events.append(row)
            continue
        if not row.clip:
            raise InputError(f"'{name}': the event at frame {row.begin - start} has no '* FROM CLIP NAME:'")
        earlier = events.pop() if events and events[-1].end == events[-1].begin else _last(events, row.begin)
        if row.dissolve:
            if earlier is None:
                raise InputError(f"'{name}': the dissolve at frame {row.begin - start} comes from nothing")
            came = row.before[0] if row.before is not None else earlier.clip
            at = earlier.source + (row.begin - earlier.begin) * earlier.speed
            row = replace(row, before=(came or earlier.clip, at), before_speed=earlier.speed)
        events.append(row)
    moved = [replace(e, begin=e.begin - start, end=e.end - start) for e in events if e.end > e.begin]
    if not moved or moved[-1].end > MOST_FRAMES:
        raise InputError(f"'{name}' holds no edit that can be made")
    return Edit(tuple(moved), (*notes, *gap_notes(moved)), fps)


def gap_notes(events: Sequence[Event]) -> list[str]:
    """Name the stretches of the result in which nothing stands."""
    return [
        f"nothing stands from frame {one.end} to {two.begin}; the frame before is held"
        for one, two in pairwise(events) if two.begin > one.end
    ]  # fmt: skip


def _last(events: list[Event], begin: int) -> Event | None:
    return next((e for e in reversed(events) if e.end >= begin > e.begin), events[-1] if events else None)


def _rows(text: str, fps: int, notes: list[str]) -> list[Event]:
    rows: list[Event] = []
    for line in text.splitlines():
        if match := EVENT.match(line):
            number, _, track, kind, length = match.groups()[:5]
            if not track.upper().startswith(("V", "B")):
                notes.append(f"event {number} is of track {track}, not of the picture; left out")
                rows.append(Event("-", 0, 0, 0, dissolve=-1))  # names and speeds below belong to it
                continue
            source, _, begin, end = (_frames(match.groups()[5 + 4 * i : 9 + 4 * i], fps) for i in range(4))
            if kind[0] not in "CD":
                notes.append(f"event {number} is a {kind}; it is made a dissolve")
            rows.append(Event("", source, begin, end, dissolve=0 if kind[0] == "C" else int(length or 0)))
        elif (match := NAME.match(line)) and rows:
            rows[-1] = _named(rows[-1], match[1].upper(), match[2])
        elif (match := SPEED.match(line)) and rows:
            rows[-1] = replace(rows[-1], speed=float(match[2]) / fps)
        elif line.strip() and not line.startswith(("TITLE", "FCM", "*")):
            notes.append(f"not understood, left out: '{line.strip()[:60]}'")
    return [row for row in rows if row.dissolve >= 0]


def _named(row: Event, which: str, name: str) -> Event:
    """Return the event with a clip's name: what a dissolve comes from, or what it shows."""
    if row.dissolve and which == "FROM":
        return replace(row, before=(name, 0.0), clip=row.clip or name)
    return replace(row, clip=name)


def _frames(parts: tuple[str, ...], fps: int) -> int:
    hours, minutes, seconds, frames = (int(p) for p in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * fps + frames
