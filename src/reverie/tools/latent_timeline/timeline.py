"""`reverie latent timeline`: edit a journey like film, from the command line; the result is another journey.

Without an edit its keys and their times are listed, and nothing is written.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from reverie.errors import InputError, unknown_name
from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.output import Bytes, Output
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Progress, Report
from reverie.numerics.onto_beats import onto_beats
from reverie.settings import setting
from reverie.tools.latent_films.journey import GROUPS, MOMENT, Key, Track, parse_journey, read_journey

LEAST_S = 1e-3  # between two keys
TRACKS = (*GROUPS, "noise")


@dataclass(frozen=True, kw_only=True)
class TimelineConfig:
    """How a journey is edited."""

    journey: str = setting("", "The journey: a YAML file of keys.", file="text")
    do: tuple[str, ...] = setting(
        (), "An edit, in order; repeatable: 'insert 4s seed=12 class=rose' (splits the way there), 'insert 4s seed=12 "
        "duration=2s' (the rest moves back), 'remove 3', 'ripple 3 +1s' (key 3 takes longer, the rest moves), 'roll 3 "
        "-0.5s' (key 3 comes earlier, the rest stays), 'hold 3 2s', 'move 3 1' (key 3 before key 1), 'stretch 1.5', "
        "'trim 2s 9s', 'beats song.wav 4' (each key on a beat, every fourth).",
    )  # fmt: skip


class Timeline:
    """A journey while it is edited: its YAML tree, with times in seconds.

    Args:
        tree: as the file has it.
        folder: where files lie that it names.
    """

    def __init__(self, tree: Mapping[str, Any], folder: Path) -> None:
        self.tree, self.folder = copy.deepcopy(dict(tree)), folder
        self.fps = float(tree.get("fps", 30))
        for name in ("keys", *TRACKS):
            for key in self.tree.get(name) or ():
                for part, usual in (("duration", 2.0), ("hold", 0.0)):
                    if part in key or part == "duration":
                        key[part] = self.seconds(key.get(part, usual))

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The main keys."""
        return self.tree["keys"]

    @property
    def starts_s(self) -> list[float]:
        """When each key begins; one entry more for the end."""
        found = [0.0]
        for key in self.keys:
            found.append(found[-1] + key["duration"] + key.get("hold", 0.0))
        return found

    def do(self, text: str) -> str:
        """Apply one edit; return what was done, in words.

        Raises:
            InputError: it is not understood, or cannot be done.
        """
        word, *rest = text.split() or [""]
        if word not in EDITS:
            raise InputError(f"--do: {unknown_name('edit', word, EDITS)}")
        return EDITS[word](self, rest)

    def text(self) -> str:
        """Return the journey as YAML."""
        tree = copy.deepcopy(self.tree)
        for name in ("keys", *TRACKS):
            for key in tree.get(name) or ():
                for part in ("duration", "hold"):
                    if part in key:
                        key[part] = _written(key[part])
        return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)

    # -- edits --------------------------------------------------------------------------------------------------------

    def insert(self, rest: Sequence[str]) -> str:
        """Insert a key at a time."""
        if len(rest) < 2:
            raise InputError("--do: expected 'insert 4s seed=12'")
        at_s, key = self.seconds(rest[0]), _entries(rest[1:])
        starts = self.starts_s
        number = next((n for n in range(len(self.keys)) if starts[n] <= at_s < starts[n + 1]), len(self.keys) - 1)
        before = self.keys[number]
        passed = at_s - starts[number] - before.get("hold", 0.0)
        left = before["duration"] - passed
        if passed < LEAST_S or left < -1e-9:
            raise InputError(
                f"at {at_s:g} s stands a key, or one is held, or the journey is over; choose a time between two keys"
            )
        own = "duration" in key
        key["duration"] = self.seconds(key["duration"]) if own else max(left, LEAST_S)
        if "hold" in key:
            key["hold"] = self.seconds(key["hold"])
        before["duration"] = passed
        self.keys.insert(number + 1, key)
        shift = key["duration"] + key.get("hold", 0.0) - left
        if own or "hold" in key:
            self._shift(at_s, shift)
        return f"a key at {at_s:g} s" + (f"; what follows moves by {shift:+.2f} s" if abs(shift) > LEAST_S else "")

    def remove(self, rest: Sequence[str]) -> str:
        """Remove a key; the way there goes on to the next."""
        number = self._number(rest, 1)
        if len(self.keys) < 3:
            raise InputError("a journey needs two keys")
        gone = self.keys.pop(number)
        if number:
            self.keys[number - 1]["duration"] += gone["duration"] + gone.get("hold", 0.0)
        return f"key {number + 1} removed"

    def ripple(self, rest: Sequence[str]) -> str:
        """Make the way after a key longer or shorter; everything later moves."""
        number, by_s = self._number(rest, 2), self._signed(rest[1])
        end_s = self.starts_s[number + 1]
        key = self.keys[number]
        if key["duration"] + by_s < LEAST_S:
            raise InputError(f"key {number + 1} takes {key['duration']:g} s; it cannot be {-by_s:g} s shorter")
        key["duration"] += by_s
        self._shift(end_s, by_s)
        return f"key {number + 1} takes {key['duration']:g} s"

    def roll(self, rest: Sequence[str]) -> str:
        """Move a key in time; nothing else moves."""
        number, by_s = self._number(rest, 2), self._signed(rest[1])
        if number == 0:
            raise InputError("the first key stands at the beginning; 'ripple' changes how long it takes")
        before, key = self.keys[number - 1], self.keys[number]
        if before["duration"] + by_s < LEAST_S or key["duration"] - by_s < LEAST_S:
            raise InputError(f"key {number + 1} cannot be moved by {by_s:+g} s: it would pass its neighbor")
        before["duration"] += by_s
        key["duration"] -= by_s
        return f"key {number + 1} comes at {self.starts_s[number]:g} s"

    def hold(self, rest: Sequence[str]) -> str:
        """Hold a key; everything later moves."""
        number, hold_s = self._number(rest, 2), self.seconds(rest[1])
        key = self.keys[number]
        self._shift(self.starts_s[number] + key.get("hold", 0.0), hold_s - key.get("hold", 0.0))
        key["hold"] = hold_s
        return f"key {number + 1} is held for {hold_s:g} s"

    def move(self, rest: Sequence[str]) -> str:
        """Put a key before another."""
        number = self._number(rest, 2)
        to = self._number(rest[1:], 1)
        self.keys.insert(to, self.keys.pop(number))
        return f"key {number + 1} is key {to + 1}"

    def stretch(self, rest: Sequence[str]) -> str:
        """Make all times longer or shorter."""
        try:
            factor = float(rest[0])
        except (IndexError, ValueError) as error:
            raise InputError("--do: expected 'stretch 1.5'") from error
        if not 1e-3 <= factor <= 1e3:
            raise InputError("--do: a journey is stretched by 0.001 to 1000")
        for name in ("keys", *TRACKS):
            for key in self.tree.get(name) or ():
                for part in ("duration", "hold"):
                    if part in key:
                        key[part] *= factor
        self._values(lambda time_s: time_s * factor)
        return f"{factor:g} times as long: {self.starts_s[-1]:g} s"

    def trim(self, rest: Sequence[str]) -> str:
        """Show only a part."""
        if len(rest) != 2:
            raise InputError("--do: expected 'trim 2s 9s'")
        begin, end = (self.seconds(text) for text in rest)
        if not 0 <= begin < end:
            raise InputError(f"{begin:g} s to {end:g} s is no part of a journey")
        self.tree |= {"begin": _written(begin), "end": _written(end)}
        return f"shown from {begin:g} s to {end:g} s"

    def beats(self, rest: Sequence[str]) -> str:
        """Move every key onto the nearest beat of a song that is still free, and lay the song under it."""
        from reverie.tools.sound.drive import Drive

        if not rest:
            raise InputError("--do: expected 'beats song.wav' or 'beats song.wav 4'")
        song = self.folder / rest[0]
        drive = Drive(song if song.is_file() else Path(rest[0]), ())
        every = int(rest[1]) if len(rest) > 1 and rest[1].isdecimal() and int(rest[1]) else 1
        beats = [float(b) for b in drive.features.beats_s[::every]]
        if len(beats) < len(self.keys):
            raise InputError(f"'{rest[0]}' has {len(beats)} such beats for {len(self.keys)} keys; take fewer keys")
        starts = self.starts_s  # before; what stands between two keys on other tracks stays between them
        step = beats[1] - beats[0] if len(beats) > 1 else 60 / max(drive.features.tempo, 60)
        now = onto_beats(starts, beats, step)
        self._warp(starts, now)
        for key, (begin, end) in zip(self.keys, pairwise(now), strict=True):
            key["hold"] = min(key.get("hold", 0.0), (end - begin) / 2)
            key["duration"] = end - begin - key["hold"]
            if not key["hold"]:
                key.pop("hold")
        self.tree["audio"] = rest[0]
        return f"keys on the beats of '{rest[0]}' ({drive.features.tempo:.0f} a minute)"

    # -- inside -------------------------------------------------------------------------------------------------------

    def seconds(self, value: object) -> float:
        """Return a time in seconds."""
        match = MOMENT.fullmatch(str(value))
        if match is None or isinstance(value, bool):
            raise InputError(f"a time is written as 2s, 500ms or 48f; got '{str(value)[:40]}'")
        return float(match[1]) * {"s": 1.0, "ms": 1e-3, "f": 1 / self.fps, None: 1.0}[match[2]]

    def _signed(self, text: str) -> float:
        return self.seconds(text.lstrip("+-")) * (-1 if text.startswith("-") else 1)

    def _number(self, rest: Sequence[str], words: int) -> int:
        if len(rest) < words or not rest[0].isdecimal() or not 1 <= int(rest[0]) <= len(self.keys):
            raise InputError(f"--do: expected the number of a key, 1 to {len(self.keys)}" + (
                ", and what to do with it" if words > 1 else ""))  # fmt: skip
        return int(rest[0]) - 1

    def _shift(self, from_s: float, by_s: float) -> None:
        """Move what stands on other tracks later than a time."""
        for name in TRACKS:
            passed = 0.0
            for key in self.tree.get(name) or ():
                passed += key["duration"] + key.get("hold", 0.0)
                if passed > from_s:  # the way under that time grows, so that all later keys move
                    key["duration"] = max(key["duration"] + by_s, LEAST_S)
                    break
        self._values(lambda time_s: time_s + by_s if time_s >= from_s - 1e-9 and time_s > 0 else time_s)

    def _warp(self, before: Sequence[float], now: Sequence[float]) -> None:
        """Move what stands on other tracks as the keys below it moved; times between two keys in proportion."""

        def moved(time_s: float) -> float:
            return float(np.interp(time_s, before, now)) + max(0.0, time_s - before[-1])

        for name in TRACKS:
            at = 0.0
            for key in self.tree.get(name) or ():
                held, end = at + key.get("hold", 0.0), at + key.get("hold", 0.0) + key["duration"]
                if "hold" in key:
                    key["hold"] = moved(held) - moved(at)
                key["duration"] = max(moved(end) - moved(held), LEAST_S)
                at = end
        self._values(moved)

    def _values(self, change: Callable[[float], float]) -> None:
        """Change the times of truncation and directions."""

        def changed(track: Any) -> Any:
            if not isinstance(track, dict):
                return track
            return {_written(max(0.0, change(self.seconds(time)))): value for time, value in track.items()}

        if "truncation" in self.tree:
            self.tree["truncation"] = changed(self.tree["truncation"])
        if self.tree.get("directions"):
            self.tree["directions"] = {name: changed(track) for name, track in self.tree["directions"].items()}


EDITS: dict[str, Callable[[Timeline, Sequence[str]], str]] = {
    "insert": Timeline.insert, "remove": Timeline.remove, "ripple": Timeline.ripple, "roll": Timeline.roll,
    "hold": Timeline.hold, "move": Timeline.move, "stretch": Timeline.stretch, "trim": Timeline.trim,
    "beats": Timeline.beats,
}  # fmt: skip


def _entries(words: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InputError(f"--do: expected NAME=VALUE, such as seed=12; got '{word[:40]}'")
        found[name] = int(value) if value.isdecimal() and name in ("seed", "row") else value
    return found


def _written(seconds: float) -> str:
    return f"{seconds:.4f}".rstrip("0").rstrip(".") + "s"


class _Dumper(yaml.SafeDumper):
    """Writes keys on one line each."""


def _flow(dumper: yaml.SafeDumper, data: dict) -> yaml.Node:
    plain = not any(isinstance(value, (dict, list)) for value in data.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=plain)


_Dumper.add_representer(dict, _flow)


class PreparedTimeline:
    """A journey and its edits."""

    notes: Sequence[str] = ()

    def __init__(self, config: TimelineConfig, session: Session) -> None:
        self.config = config

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the edited journey, and what was done in words."""
        path = Path(self.config.journey)
        read_journey(path)  # its errors name the place
        timeline = Timeline(yaml.safe_load(path.read_text("utf-8-sig")), path.parent)
        notes = [timeline.do(text) for text in self.config.do]
        text = timeline.text()
        journey = parse_journey(text, path.name, path.parent)

        def steps() -> Iterator[Progress]:
            yield Report(1, 1, "journeys", f"{journey.keys.length_s:g} s")

        def encoded(suffix: str, record: Mapping[str, Json]) -> bytes:
            return text.encode()

        def outputs() -> Sequence[Output]:
            edited = Bytes(encoded, (".yaml",))
            return [edited if self.config.do else _Listing(edited, journey.keys)]

        plan = Plan({"seconds": journey.keys.length_s, "keys": len(journey.keys.keys)}, None,
                    f"{journey.keys.length_s:g} s", (".yaml",))  # fmt: skip
        return Steps(steps(), outputs, plan=plan, notes=notes)


@dataclass(frozen=True)
class _Listing:
    """A journey that is only looked at: its keys in the terminal; where a file is named, the journey."""

    journey: Bytes
    keys: Track
    label: str = ""
    suffixes: tuple[str, ...] = (".yaml",)

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write the journey, times in seconds."""
        return self.journey.write(path, record, quality)

    def printed(self, *, as_json: bool) -> str:
        """Return a line for each key and one for the end, or as JSON."""
        rows = list(zip(self.keys.starts_s, self.keys.keys, strict=False))
        if as_json:
            found = [{"start_s": round(start, 4), **dataclasses.asdict(key)} for start, key in rows]
            return json.dumps(found, ensure_ascii=False, indent=2)
        lines = [f"key {n}: {start:7.2f} s  {_said(key)}" for n, (start, key) in enumerate(rows, 1)]
        return "\n".join([*lines, f"end:   {self.keys.length_s:7.2f} s"])


def _said(key: Key) -> str:
    what = f"seed {key.seed}" if key.seed is not None else f"{key.latents} {key.row or ''}"
    return f"{what.strip()}{f' {key.class_name}' if key.class_name else ''}, {key.duration_s:g} s" + (
        f", held {key.hold_s:g} s" if key.hold_s else "")  # fmt: skip


LATENT_TIMELINE: Tool[TimelineConfig] = Tool(
    name="latent timeline", doing="editing", ending="edited",
    summary="Edit a journey like film: insert, trim, ripple, beats.",
    config=TimelineConfig, prepare=PreparedTimeline, roles=(Role("journey", "text", "The journey: a YAML file."),),
    makes="table", suffix=".yaml", prints=lambda config: not config.do,
    name_of=lambda config: Path(config.journey).stem,
    examples=(
        "reverie latent timeline spring.yaml",
        "reverie latent timeline spring.yaml --do 'insert 4s seed=12' --do 'ripple 1 +1s'",
        "reverie latent timeline spring.yaml --do 'beats song.wav 4' -o spring-beats.yaml",
        "reverie latent journey spring-beats.yaml --keep frames/",
    ),
)  # fmt: skip
