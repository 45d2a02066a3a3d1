"""OpenTimelineIO files (.otio), read as plain JSON: clips, gaps, transitions, speeds, freezes of the first video track.

Source: the OpenTimelineIO file format, schemas Timeline.1, Stack.1, Track.1, Clip.1 and 2, Gap.1, Transition.1,
LinearTimeWarp.1, FreezeFrame.1, of opentimelineio.readthedocs.io.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlparse

from reverie.errors import InputError
from reverie.tools.latent_timeline.edl import MOST_FPS, USUAL_FPS, Edit
from reverie.tools.latent_timeline.pieces import Mix, Piece, joined


def parse_otio(text: str, name: str, fps: float | None) -> Edit:
    """Return the edit of a timeline, by default at the rate that its first clip has there.

    Raises:
        InputError: no JSON, no timeline, or no clips; what cannot be conformed is listed in the edit's notes.
    """
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{name}' is no readable OTIO file: {error}") from error
    if not isinstance(tree, dict) or _kind(tree) not in ("Timeline", "Stack", "Track"):
        raise InputError(f"'{name}' holds no OTIO timeline")
    notes: list[str] = []
    tracks = list(_tracks(tree, notes))
    if not tracks:
        raise InputError(f"'{name}' holds no video track")
    if len(tracks) > 1:
        notes.append(f"of {len(tracks)} video tracks the lowest is conformed; what lies above is left out")
    return _Reader(name, fps or _rate(tracks[0]), notes).edit(tracks[0])


def _kind(item: object) -> str:
    schema = item.get("OTIO_SCHEMA", "") if isinstance(item, dict) else ""
    return str(schema).partition(".")[0]


def _tracks(item: dict[str, Any], notes: list[str]) -> Iterator[dict[str, Any]]:
    if _kind(item) == "Timeline":
        yield from _tracks(_child(item, "tracks"), notes)
    elif _kind(item) == "Track":
        if item.get("kind", "Video") == "Video":
            yield item
        else:
            notes.append(f"the {str(item.get('kind')).lower()} track '{item.get('name', '')}' is left out")
    else:
        for child in item.get("children") or ():
            if _kind(child) in ("Stack", "Track"):
                yield from _tracks(child, notes)


def _child(item: dict[str, Any], name: str) -> dict[str, Any]:
    found = item.get(name)
    return found if isinstance(found, dict) else {}


def _rate(track: dict[str, Any]) -> float:
    """Return the rate of the first range that says one."""
    found = (_child(_child(child, "source_range"), "duration").get("rate") for child in track.get("children") or ())
    rates = (rate for rate in found if isinstance(rate, (int, float)) and 1 <= rate <= MOST_FPS)
    return float(next(rates, USUAL_FPS))


class _Reader:
    def __init__(self, name: str, fps: float, notes: list[str]) -> None:
        self.name, self.fps, self.notes = name, fps, notes

    def edit(self, track: dict[str, Any]) -> Edit:
        pieces, mixes, at = list[Piece](), list[Mix](), 0.0
        for child in track.get("children") or ():
            kind = _kind(child)
            if kind == "Transition":
                before, after = (self._frames(child.get(key)) for key in ("in_offset", "out_offset"))
                mixes.append(Mix(at - before, at + after))
                if child.get("transition_type") not in (None, "SMPTE_Dissolve"):
                    self.notes.append(f"the transition '{child.get('transition_type')}' is made a dissolve")
            elif kind in ("Clip", "Gap"):
                start, length = self._range(child)
                if kind == "Clip":
                    pieces.append(self._piece(child, start, at, length))
                at += length
            else:
                self.notes.append(f"'{child.get('name', kind)}' is a {kind or 'thing'} inside the track; left out")
                at += self._range(child)[1] if isinstance(child, dict) and child.get("source_range") else 0.0
        return joined(pieces, mixes, self.name, self.notes, self.fps, at)

    def _piece(self, clip: dict[str, Any], start: float, at: float, length: float) -> Piece:
        media = self._media(clip)
        offset = self._frames(_child(_child(media, "available_range"), "start_time"))
        url = media.get("target_url")
        clip_name = unquote(urlparse(str(url)).path).rpartition("/")[2] if url else str(clip.get("name", ""))
        if not clip_name:
            raise InputError(f"'{self.name}': the clip at frame {at:.0f} names no film")
        speed = self._speed(clip)
        first = start - offset + (length * -speed - 1 if speed < 0 else 0.0)  # backwards: from the end of its range
        return Piece(clip_name, first, at, at + length, speed)

    def _media(self, clip: dict[str, Any]) -> dict[str, Any]:
        many = _child(clip, "media_references")
        if many:
            return _child(many, str(clip.get("active_media_reference_key", "DEFAULT_MEDIA")))
        return _child(clip, "media_reference")

    def _speed(self, clip: dict[str, Any]) -> float:
        speed = 1.0
        for effect in clip.get("effects") or ():
            kind = _kind(effect)
            if kind == "FreezeFrame":
                speed = 0.0
            elif kind == "LinearTimeWarp":
                speed *= self._number(effect.get("time_scalar", 1.0))
            else:
                self.notes.append(f"the effect '{effect.get('name') or kind}' of '{clip.get('name', '')}' is left out")
        return speed

    def _range(self, item: dict[str, Any]) -> tuple[float, float]:
        """Return start and length, in frames; of a clip without a range of its own, those of its media."""
        found = _child(item, "source_range") or _child(self._media(item), "available_range")
        if not found:
            raise InputError(f"'{self.name}': '{item.get('name', 'a clip')}' has no range")
        return self._frames(found.get("start_time")), self._frames(found.get("duration"))

    def _frames(self, item: object) -> float:
        if not isinstance(item, dict):
            return 0.0
        rate = self._number(item.get("rate", self.fps))
        if rate <= 0:
            raise InputError(f"'{self.name}': a time has the rate {rate:g}")
        return self._number(item.get("value", 0)) / rate * self.fps

    def _number(self, item: object) -> float:
        if not isinstance(item, (int, float)) or isinstance(item, bool) or not math.isfinite(item) or abs(item) > 1e12:
            raise InputError(f"'{self.name}': a number was expected; got {str(item)[:40]}")
        return float(item)
