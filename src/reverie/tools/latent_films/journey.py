"""Journeys: keys and tracks read from YAML, and where a journey stands at a time.

    fps: 30
    loop: true
    path: spline            # or lerp; or local, a smooth way that a key changes only near itself
    speed: perceptual       # or even
    truncation: 0.7         # or a track: {0s: 0.5, 4s: 1 smooth}
    keys:
      - {seed: 3, duration: 2s}
      - {seed: 8, class: rose, hold: 1s, duration: 3s, ease: ease-in-out}
      - {latents: saved.safetensors, row: 12, duration: 2s}
    fine:                   # the same for layers of their own: coarse, middle, fine
      - {seed: 40, duration: 7s}
      - {seed: 41, duration: 1s}
    noise:                  # grain that changes; without it the network's own stays
      - {seed: 1, duration: 4s}
      - {seed: 2, duration: 4s}
    directions:             # moves along directions of 'latent directions', or PCA done now
      "0": {0s: 0, 4s: 2}
      "3@fine": {0s: -1, 8s: 1}
    directions_file: flowers-directions.safetensors
    audio: song.wav
    begin: 2s               # only this part is shown, without a loop
    end: 9s

Every segment is half-open: it shows its first key and not its last, which is the first of the next.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from reverie.errors import InputError, unknown_name
from reverie.jobs.plain_text import load_yaml, read_text, short
from reverie.tools.keyframes.easing import EASINGS

GROUPS = ("coarse", "middle", "fine")
KNOWN = ("fps", "loop", "path", "speed", "ease", "truncation", "keys", *GROUPS, "noise", "directions",
         "directions_file", "audio", "begin", "end")  # fmt: skip
IN_KEY = ("seed", "latents", "row", "class", "duration", "hold", "ease")
MOST_KEYS, MOST_S = 10_000, 86_400.0
MOMENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|ms|f)?\s*")


@dataclass(frozen=True)
class Key:
    """A place of the journey: a seed or a saved latent, how long it is held, and the way to the next."""

    seed: int | None = None
    latents: str | None = None
    row: str | None = None
    class_name: str | None = None
    duration_s: float = 2.0
    hold_s: float = 0.0
    ease: str = "linear"


@dataclass(frozen=True)
class Track:
    """Keys one after the other, as a function of time: which two, and how far from one to the other."""

    keys: tuple[Key, ...]
    loop: bool

    @property
    def starts_s(self) -> tuple[float, ...]:
        """When each key begins; one entry more for the end."""
        return tuple(accumulate((k.hold_s + k.duration_s for k in self.keys), initial=0.0))

    @property
    def length_s(self) -> float:
        """How long it takes; without a loop the last key is only held."""
        return self.starts_s[-1] - (0.0 if self.loop else self.keys[-1].duration_s)

    def at(self, time_s: float) -> tuple[int, float]:
        """Return the number of a key and how far, in [0, 1], its way to the next is done by easing."""
        if self.loop:
            time_s %= self.length_s
        number = min(bisect_right(self.starts_s, time_s) - 1, len(self.keys) - 1)
        key = self.keys[number]
        if number == len(self.keys) - 1 and not self.loop:
            return number, 0.0
        moved = time_s - self.starts_s[number] - key.hold_s
        return number, EASINGS[key.ease](min(max(moved / key.duration_s, 0.0), 1.0)) if key.duration_s else 0.0


@dataclass(frozen=True)
class Values:
    """A number as a function of time: (time, value, easing towards it)."""

    keys: tuple[tuple[float, float, str], ...]

    def at(self, time_s: float) -> float:
        """Return the value; constant before the first key and after the last."""
        number = bisect_right([t for t, _, _ in self.keys], time_s)
        if number == 0 or number == len(self.keys):
            return self.keys[max(0, number - 1)][1]
        (t0, a, _), (t1, b, ease) = self.keys[number - 1], self.keys[number]
        return a + (b - a) * EASINGS[ease]((time_s - t0) / (t1 - t0))


@dataclass(frozen=True)
class Journey:
    """A whole journey; see the top of this file."""

    keys: Track
    groups: Mapping[str, Track] = field(default_factory=dict)
    noise: Track | None = None
    truncation: Values | None = None
    directions: Mapping[str, Values] = field(default_factory=dict)
    directions_file: str | None = None
    audio: str | None = None
    fps: float = 30.0
    loop: bool = True
    path: str = "spline"
    speed: str = "even"
    folder: Path = Path()
    part_s: tuple[float, float] | None = None

    def files(self) -> tuple[str, ...]:
        """Return the names of the saved latents that it uses."""
        tracks = (self.keys, *self.groups.values())
        return tuple(dict.fromkeys(k.latents for track in tracks for k in track.keys if k.latents is not None))


def read_journey(path: Path) -> Journey:
    """Return the journey of a file.

    Raises:
        InputError: no such file, not YAML, or something that is not understood, named.
    """
    text = read_text(path, "the journey")
    return parse_journey(text, path.name, path.parent)


def parse_journey(text: str, name: str = "journey", folder: Path = Path()) -> Journey:
    """Return the journey of a text; files in it lie in `folder`.

    Raises:
        InputError: as `read_journey`.
    """
    tree = load_yaml(text, name)
    if not isinstance(tree, dict) or "keys" not in tree:
        raise InputError(
            f"'{name}' holds no journey; expected 'keys:' with a list such as '- {{seed: 3, duration: 2s}}'"
        )
    for word in tree:
        if word not in KNOWN:
            raise InputError(f"'{name}': {unknown_name('entry', str(word), KNOWN)}")
    return _Reader(tree, name, folder).journey()


class _Reader:
    """Turns plain YAML into a journey, with messages that name the place."""

    def __init__(self, tree: dict[str, Any], name: str, folder: Path) -> None:
        self.tree, self.name, self.folder = tree, name, folder
        self.fps = self._number("fps", 30.0, 1e-3, 240.0)
        self.loop = self._one_of("loop", True, (True, False))
        path = self._one_of("path", "spline", ("spline", "lerp", "local"))
        self.path = path
        self.ease = self._one_of("ease", "smooth" if path == "lerp" else "linear", tuple(EASINGS))

    def journey(self) -> Journey:
        tree = self.tree
        speed = self._one_of("speed", "even", ("even", "perceptual"))
        groups = {g: self._track(g) for g in GROUPS if g in tree}
        truncation = None if "truncation" not in tree else self._values(tree["truncation"], "truncation")
        moves = tree.get("directions") or {}
        if not isinstance(moves, dict):
            raise self._error("directions", "expected numbers of directions with keys, such as '\"0\": {0s: 0, 4s: 2}'")
        directions = {str(k): self._values(v, f"directions {k}") for k, v in moves.items()}
        keys = self._track("keys")
        if len(keys.keys) < 2 and not groups and "noise" not in tree and not moves:
            raise self._error("keys", "a journey needs two keys or more")
        return Journey(
            keys, groups, self._track("noise") if "noise" in tree else None, truncation, directions,
            self._text("directions_file"), self._text("audio"), self.fps, self.loop, self.path, speed, self.folder,
            self._part(keys.length_s),
        )  # fmt: skip

    def _part(self, length_s: float) -> tuple[float, float] | None:
        if "begin" not in self.tree and "end" not in self.tree:
            return None
        begin = self._seconds(self.tree.get("begin", 0), "begin")
        end = self._seconds(self.tree.get("end", length_s), "end")
        if not 0 <= begin < end <= length_s + 1e-9:
            raise self._error("begin", f"{begin:g} s to {end:g} s is no part of a journey of {length_s:g} s")
        return begin, end

    def _track(self, name: str) -> Track:
        items = self.tree[name]
        if not isinstance(items, list) or not 0 < len(items) <= MOST_KEYS:
            raise self._error(name, "expected a list of keys, such as '- {seed: 3, duration: 2s}'")
        track = Track(tuple(self._key(item, f"{name}, key {i}") for i, item in enumerate(items, 1)), self.loop)
        if not 0 < track.starts_s[-1] <= MOST_S:
            raise self._error(name, f"it takes {track.starts_s[-1]:g} s; expected more than 0 s, and at most a day")
        return track

    def _key(self, item: object, place: str) -> Key:
        if not isinstance(item, dict):
            raise self._error(place, "expected entries such as {seed: 3, duration: 2s}")
        for word in item:
            if word not in IN_KEY:
                raise self._error(place, unknown_name("entry", str(word), IN_KEY))
        seed, latents = item.get("seed"), item.get("latents")
        if (seed is None) == (latents is None):
            raise self._error(place, "expected either 'seed' or 'latents'")
        if seed is not None and not (isinstance(seed, int) and 0 <= seed < 2**32):
            raise self._error(place, f"a seed is a whole number from 0 on; got {short(seed)}")
        row, class_name = item.get("row"), item.get("class")
        ease = str(item.get("ease", self.ease))
        if ease not in EASINGS:
            raise self._error(place, unknown_name("easing", ease, tuple(EASINGS)))
        return Key(
            seed, None if latents is None else str(latents), None if row is None else str(row),
            None if class_name is None else str(class_name), self._seconds(item.get("duration", "2s"), place),
            self._seconds(item.get("hold", 0), place), ease,
        )  # fmt: skip

    def _values(self, item: object, place: str) -> Values:
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            return Values(((0.0, float(item), "linear"),))
        if not isinstance(item, dict) or not item:
            raise self._error(place, "expected a number, or keys such as {0s: 0.5, 4s: 1 smooth}")
        found = []
        for moment, value in item.items():
            text, _, ease = str(value).partition(" ")
            ease = ease.strip() or ("smooth" if self.ease == "linear" else self.ease)
            if ease not in EASINGS:
                raise self._error(place, unknown_name("easing", ease, tuple(EASINGS)))
            found.append((self._seconds(moment, place), self._float(text, place), ease))
        found.sort(key=lambda key: key[0])
        if any(a[0] == b[0] for a, b in pairwise(found)):
            raise self._error(place, "two keys have the same time")
        return Values(tuple(found))

    def _seconds(self, value: object, place: str) -> float:
        match = MOMENT.fullmatch(str(value))
        if match is None or isinstance(value, bool):
            raise self._error(place, f"a time is written as 2s, 500ms or 48f; got '{value}'")
        unit = {"s": 1.0, "ms": 1e-3, "f": 1 / self.fps, None: 1.0}[match[2]]
        return float(match[1]) * unit

    def _float(self, text: str, place: str) -> float:
        try:
            value = float(text)
        except ValueError as error:
            raise self._error(place, f"expected a number; got '{text}'") from error
        if value != value or abs(value) > 1e6:
            raise self._error(place, f"expected a number of usual size; got '{text}'")
        return value

    def _number(self, name: str, default: float, least: float, most: float) -> float:
        value = self._float(str(self.tree.get(name, default)), name)
        if not least <= value <= most:
            raise self._error(name, f"must be between {least:g} and {most:g}; got {value:g}")
        return value

    def _one_of(self, name: str, default: Any, choices: Sequence[Any]) -> Any:
        value = self.tree.get(name, default)
        if value not in choices:
            raise self._error(name, f"must be one of {', '.join(map(str, choices))}; got {value!r}")
        return value

    def _text(self, name: str) -> str | None:
        return None if self.tree.get(name) is None else str(self.tree[name])

    def _error(self, place: str, words: str) -> InputError:
        return InputError(f"'{self.name}', {place}: {words}")
