"""Edits from pieces: clips on one track and the transitions between them, whatever file they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reverie.errors import InputError
from reverie.tools.latent_timeline.edl import MOST_EVENTS, MOST_FRAMES, Edit, Event, gap_notes


@dataclass(frozen=True)
class Piece:
    """A stretch of a clip on the track; times in frames of the result, the source's in frames of the clip.

    Attributes:
        goes_on: it is the same clip as before it, at another speed: no transition lies between them.
    """

    clip: str
    source: float
    begin: float
    end: float
    speed: float = 1.0
    goes_on: bool = False


@dataclass(frozen=True)
class Mix:
    """A transition over a cut: from `begin` to `end` one clip becomes the next."""

    begin: float
    end: float


def joined(
    pieces: Sequence[Piece], mixes: Sequence[Mix], name: str, notes: Sequence[str], fps: float, length: float = 0.0
) -> Edit:
    """Return the edit of one track of `length` frames; pieces that overlap dissolve into each other.

    Raises:
        InputError: there are none, or too many.
    """
    told = list(notes)
    found = sorted((p for p in pieces if p.end > p.begin), key=lambda p: p.begin)
    if not found:
        raise InputError(f"'{name}' holds no clips on a track of pictures")
    if len(found) > MOST_EVENTS or found[-1].end > MOST_FRAMES:
        raise InputError(f"'{name}' holds more than {MOST_EVENTS} clips or {MOST_FRAMES:,} frames")
    start = found[0].begin
    events: list[Event] = []
    before, used = None, list[Mix]()
    for piece in found:
        begin, dissolve = piece.begin, 0.0
        if before is not None and not piece.goes_on:
            mix = next((m for m in mixes if m.begin <= piece.begin <= m.end and m.end > m.begin), None)
            if mix is not None:
                used.append(mix)
                begin, dissolve = mix.begin, mix.end - mix.begin
            elif piece.begin < before.end - 0.5:
                dissolve = before.end - piece.begin
        events.append(_event(piece, begin - start, dissolve, start, before))
        before = piece
    whole = [
        replace(one, end=min(one.end, two.begin)) if two.begin < one.end or two.dissolve else one
        for one, two in pairwise(events)
    ]
    whole = [event for event in (*whole, events[-1]) if event.end > event.begin]
    told += gap_notes(whole)
    told += [
        f"the transition at frame {mix.begin - start:.0f} lies on no cut; left out" for mix in mixes if mix not in used
    ]
    if length > found[-1].end + 0.5:
        told.append(f"nothing stands from frame {whole[-1].end} on; the film ends there")
    return Edit(tuple(whole), tuple(told), fps)


def _event(piece: Piece, begin: float, dissolve: float, start: float, before: Piece | None) -> Event:
    """Return the event of a piece that begins at `begin`, perhaps before its cut."""
    early = piece.begin - start - begin
    came = None
    if dissolve and before is not None:
        came = before.clip, before.source + (begin + start - before.begin) * before.speed
    return Event(
        piece.clip, piece.source - early * piece.speed, round(begin), round(piece.end - start), piece.speed,
        round(dissolve), came, before.speed if before is not None else 1.0,
    )  # fmt: skip
