"""Edits in XML: Kdenlive and MLT projects, and FCPXML of Final Cut and DaVinci Resolve; read as data, within limits.

Nothing outside the file is looked at: documents that declare entities are refused before they are parsed.
Source: the MLT XML documentation (mltframework.org/docs/mltxml), and Apple's FCPXML reference.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree as ET

from reverie.errors import InputError
from reverie.tools.latent_timeline.edl import MOST_FPS, USUAL_FPS, Edit
from reverie.tools.latent_timeline.pieces import Mix, Piece, joined
from reverie.tools.latent_timeline.time_map import TimeMap

MOST_ELEMENTS = 200_000
DOCTYPE = re.compile(r"<!DOCTYPE\s+[\w.-]+\s*(?:(?:SYSTEM|PUBLIC)\s+[^>\[]*)?>")
CLOCK = re.compile(r"(?:(\d+):)?(?:(\d+):)?(\d+(?:[.,]\d+)?)")
RATIONAL = re.compile(r"(-?\d+)(?:/(\d+))?s")
KINDS = "|!~$abcdefghijklmnopqrstuvwxyzABCD-"  # how a key of MLT goes on to the next; each is taken as a straight line
NO_PICTURES = ("color", "colour", "noise", "count")


def parse_edit_xml(text: str, name: str, fps: float | None) -> Edit:
    """Return the edit of a document, by default at the rate that it says; which kind it is, its first element says.

    Raises:
        InputError: no XML, another kind, entities, or no clips.
    """
    plain = DOCTYPE.sub("", text, count=1)
    if "<!DOCTYPE" in plain or "<!ENTITY" in plain:
        raise InputError(f"'{name}' declares entities, which no edit needs; it is not read")
    if plain.count("<") > 2 * MOST_ELEMENTS:
        raise InputError(f"'{name}' has more elements than an edit can have")
    try:
        root = ET.fromstring(plain.encode())
    except ET.ParseError as error:
        raise InputError(f"'{name}' is no readable XML: {error}") from error
    if root.tag == "mlt":
        return _Mlt(root, name, fps).edit()
    if root.tag == "fcpxml":
        return _Fcp(root, name, fps).edit()
    raise InputError(f"'{name}' is a '{root.tag[:40]}'; expected a Kdenlive or MLT project, or FCPXML")


class _Mlt:
    """Kdenlive and MLT: playlists of entries; where entries of two playlists overlap, they are mixed."""

    def __init__(self, root: ET.Element, name: str, fps: float | None) -> None:
        self.root, self.name, self.notes = root, name, list[str]()
        profile = root.find("profile")
        over, under = (
            (0.0, 0.0) if profile is None
            else (_float(profile.get(key, "0"), name) for key in ("frame_rate_num", "frame_rate_den"))
        )  # fmt: skip
        own = over / under if over > 0 and under > 0 else None
        self.fps = fps or (own if own and 1 <= own <= MOST_FPS else USUAL_FPS)
        self.rate = own or self.fps
        clips = [p for p in root if p.tag in ("producer", "chain")]
        self.producers = {p.get("id", ""): self._producer(p) for p in clips}
        self.maps = {p.get("id", ""): self._time_map(p) for p in clips}

    def edit(self) -> Edit:
        lists = {p.get("id", ""): p for p in self.root.findall("playlist")}
        tracks = self._tracks(lists)
        if len(tracks) > 1:
            self.notes.append(f"of {len(tracks)} video tracks the lowest is conformed; what lies above is left out")
        pieces = [piece for key in tracks[0] for piece in self._pieces(lists[key])] if tracks else []
        return joined(pieces, (), self.name, self.notes, self.fps)

    def _tracks(self, lists: dict[str, ET.Element]) -> list[list[str]]:
        """Return the playlists of each track that holds pictures, the lowest first."""
        found: list[list[str]] = []
        inner = {}
        for tractor in self.root.findall("tractor"):
            keys = [t.get("producer", "") for t in tractor.findall("track") if t.get("hide") not in ("video", "both")]
            own = [key for key in keys if key in lists and self._pieces(lists[key], quiet=True)]
            if _property(tractor, "kdenlive:audio_track") or (own and len(own) < len(keys) and len(keys) > 2):
                own = own if not _property(tractor, "kdenlive:audio_track") else []
            if own:
                inner[tractor.get("id", "")] = own
        for own in inner.values():
            mixing = len(own) == 2 and self._overlap(lists, own)
            found += [own] if len(own) == 1 or mixing else [[key] for key in own]
        if not found:
            found = [[key] for key, p in lists.items() if key != "main_bin" and self._pieces(p, quiet=True)]
        return found

    def _overlap(self, lists: dict[str, ET.Element], keys: list[str]) -> bool:
        """Tell whether two playlists are the two halves of one track, which overlap only where they are mixed."""
        one, two = ([(p.begin, p.end) for p in self._pieces(lists[key], quiet=True)] for key in keys)
        return not any((a <= c and d <= b) or (c <= a and b <= d) for a, b in one for c, d in two)

    def _pieces(self, playlist: ET.Element, *, quiet: bool = False) -> list[Piece]:
        at, found = 0.0, list[Piece]()
        if playlist.get("id") == "main_bin" or _property(playlist, "kdenlive:audio_track"):
            return []
        for item in playlist:
            if item.tag == "blank":
                at += self._frames(item.get("length", "0"))
            elif item.tag == "entry":
                begin = self._frames(item.get("in", "0"))
                length = self._frames(item.get("out", "0")) + self.fps / self.rate - begin
                clip, speed = self.producers.get(item.get("producer", ""), ("", 1.0))
                time_map = self.maps.get(item.get("producer", ""))
                if clip and time_map is not None:
                    found += time_map.pieces(clip, begin, at, length)
                elif clip:
                    source = begin * abs(speed) if speed >= 0 else -1.0 - begin * abs(speed)
                    found.append(Piece(clip, source, at, at + length, speed))
                for effect in () if quiet else item.findall("filter"):
                    word = _property(effect, "kdenlive_id") or _property(effect, "mlt_service") or "?"
                    self.notes.append(f"the effect '{word}' of '{clip}' is left out")
                at += length
        return found

    def _producer(self, item: ET.Element) -> tuple[str, float]:
        """Return the film's name and its speed; "" for what is no film."""
        service, resource = _property(item, "mlt_service") or "", _property(item, "resource") or ""
        speed = 1.0
        if service == "timewarp":
            warp, _, resource = resource.partition(":")
            speed = _float(_property(item, "warp_speed") or warp, self.name)
        if service in NO_PICTURES or not resource or resource.lower().endswith((".wav", ".mp3", ".flac", ".ogg")):
            return "", speed
        return resource.replace("\\", "/").rpartition("/")[2], speed

    def _time_map(self, item: ET.Element) -> TimeMap | None:
        """Return what a clip's time remapping says: seconds of the clip, or speeds, by the time of the result."""
        link = next((e for e in item.findall("link") if _property(e, "mlt_service") == "timeremap"), None)
        link = next((e for e in item.findall("link") if e.get("mlt_service") == "timeremap"), link)
        if link is None:
            return None
        speeds, seconds = (self._keys(_property(link, key)) for key in ("speed_map", "time_map"))
        seconds = seconds or self._keys(_property(link, "map"))
        start = self._frames(link.get("in", "0"))
        if speeds:
            found = TimeMap.of_speeds(speeds)
        elif len(seconds) > 1:
            found = TimeMap(tuple((frame, value * self.fps) for frame, value in seconds))
        else:
            return None
        return TimeMap(tuple((frame + start, source + start) for frame, source in found.points))

    def _keys(self, text: str | None) -> list[tuple[float, float]]:
        """Return frames and values of keys such as "00:00:01.000=2.5;50|=3"."""
        found: dict[float, float] = {}
        for key in filter(None, (part.strip() for part in (text or "").split(";"))):
            frame, equals, value = key.partition("=")
            if not equals:
                raise InputError(f"'{self.name}': '{key[:40]}' is no key of a speed that changes")
            found[self._frames(frame.rstrip(KINDS))] = _float(value, self.name)
        return sorted(found.items())

    def _frames(self, text: str) -> float:
        """Return frames of the result of "125", "00:00:05.000" or "5.0"."""
        if text.isdecimal():
            return int(text) * self.fps / self.rate
        match = CLOCK.fullmatch(text.strip())
        if match is None:
            raise InputError(f"'{self.name}': '{text[:40]}' is no time")
        hours, minutes = (match[1], match[2]) if match[2] is not None else ("0", match[1] or "0")
        seconds = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(match[3].replace(",", "."))
        return seconds * self.fps


class _Fcp:
    """FCPXML: the spine of the first sequence."""

    def __init__(self, root: ET.Element, name: str, fps: float | None) -> None:
        self.root, self.name, self.notes = root, name, list[str]()
        self.fps = fps or self._rate()
        self.assets = {a.get("id", ""): self._asset(a) for a in root.iter("asset")}

    def edit(self) -> Edit:
        spine = next(self.root.iter("spine"), None)
        if spine is None:
            raise InputError(f"'{self.name}' holds no sequence")
        if len(list(self.root.iter("sequence"))) > 1:
            self.notes.append("of several sequences the first is conformed")
        pieces, mixes, at = list[Piece](), list[Mix](), None
        for item in spine:
            length = self._frames(item.get("duration", "0s"))
            offset = self._frames(item.get("offset")) if item.get("offset") else at or 0.0
            if item.tag == "transition":
                mixes.append(Mix(offset, offset + length))
                word = item.get("name", "")
                if word and "dissolve" not in word.lower():
                    self.notes.append(f"the transition '{word}' is made a dissolve")
                continue
            at = offset + length
            if item.tag in ("asset-clip", "clip", "video"):
                pieces += self._pieces(item, offset, length)
            elif item.tag != "gap":
                self.notes.append(f"'{item.get('name', item.tag)}' is a {item.tag}; left out")
        return joined(pieces, mixes, self.name, self.notes, self.fps, at or 0.0)

    def _rate(self) -> float:
        """Return the rate of the first sequence's format."""
        sequence = next(self.root.iter("sequence"), None)
        wanted = sequence.get("format") if sequence is not None else None
        frame = next((f.get("frameDuration") or "" for f in self.root.iter("format") if f.get("id") == wanted), "")
        match = RATIONAL.fullmatch(frame)
        rate = int(match[2] or 1) / int(match[1]) if match and int(match[1]) > 0 else 0.0
        return rate if 1 <= rate <= MOST_FPS else USUAL_FPS

    def _pieces(self, item: ET.Element, at: float, length: float) -> list[Piece]:
        inner = item if item.get("ref") else next((v for v in item.iter("video") if v.get("ref")), item)
        clip, first = self.assets.get(inner.get("ref", ""), ("", 0.0))
        if not clip:
            raise InputError(f"'{self.name}': the clip at frame {at:.0f} names no film")
        for effect in (*item.findall("filter-video"), *item.findall("adjust-transform")):
            self.notes.append(f"the effect '{effect.get('name', effect.tag)}' of '{clip}' is left out")
        for above in item:
            if above.get("lane") not in (None, "0"):
                self.notes.append(f"'{above.get('name', above.tag)}' lies on another lane; left out")
        start = self._frames(item.get("start", "0s"))
        found = {
            self._frames(p.get("time", "0s")): self._frames(p.get("value", "0s"))
            for p in item.findall("timeMap/timept")
        }
        points = sorted(found.items())
        if len(points) < 2:
            return [Piece(clip, start - first, at, at + length)]
        if len(points) > 2:
            if any(p.get("interp", "smooth2") != "linear" for p in item.findall("timeMap/timept")):
                self.notes.append(f"the speed of '{clip}' changes {len(points) - 2} times, at once instead of smoothly")
            return TimeMap(tuple((time, value - first) for time, value in points)).pieces(clip, start, at, length)
        (began, low), (ended, high) = points
        speed = (high - low) / (ended - began)
        return [Piece(clip, low + (start - began) * speed - first, at, at + length, speed)]

    def _asset(self, item: ET.Element) -> tuple[str, float]:
        media = item.find("media-rep")
        url = item.get("src") or (media.get("src") if media is not None else None) or item.get("name", "")
        return unquote(urlparse(url).path).rpartition("/")[2], self._frames(item.get("start", "0s"))

    def _frames(self, text: str | None) -> float:
        match = RATIONAL.fullmatch((text or "0s").strip())
        if match is None or (match[2] is not None and int(match[2]) == 0):
            raise InputError(f"'{self.name}': '{str(text)[:40]}' is no time such as 1001/30000s")
        return float(Fraction(int(match[1]), int(match[2] or 1)) * Fraction(self.fps).limit_denominator(1001))


def _property(item: ET.Element, name: str) -> str | None:
    return next((p.text for p in item.findall("property") if p.get("name") == name), None)


def _float(text: str, name: str) -> float:
    try:
        found = float(text)
    except ValueError as error:
        raise InputError(f"'{name}': '{text[:40]}' is no number") from error
    if not math.isfinite(found) or abs(found) > 1e9:
        raise InputError(f"'{name}': '{text[:40]}' is no number of usual size")
    return found
