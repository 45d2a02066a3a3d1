"""Parameters that change over a film: keys at moments, easing between them, plain values at any time.

`reverie.tools.keyframes.file` reads them from YAML. A moment is given in seconds, frames or percent and becomes
seconds when the length and rate of the film are known. Free of torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from reverie.errors import InputError
from reverie.tools.keyframes.easing import EASINGS


@dataclass(frozen=True)
class Moment:
    """A point of time in seconds (``s``), frames (``f``) or percent of the film (``%``)."""

    amount: float
    unit: str = "s"

    def seconds(self, length_s: float | None, rate: Fraction) -> float:
        """Return seconds from the beginning."""
        if self.unit == "f":
            return float(Fraction(self.amount) / rate)
        if self.unit == "s":
            return self.amount
        if length_s is None:
            raise InputError(f"a key at {self.amount:g}% needs a film of known length; give it in seconds or frames")
        return self.amount / 100 * length_s


@dataclass(frozen=True)
class Key:
    """A value at a moment, and the easing on the way to it; `place` says where it was written, for messages."""

    moment: Moment
    value: Any
    ease: str = "linear"
    place: str = ""


@dataclass(frozen=True)
class Keyframes:
    """Keys of parameters by name, as a file gives them; `text` is the file, `name` its name without folders."""

    tracks: Mapping[str, tuple[Key, ...]]
    name: str = ""
    text: str = ""

    def timeline(self, length_s: float | None, rate: Fraction, *, closed: bool = False) -> Timeline:
        """Return the values over a film of this length and rate.

        Args:
            length_s: length of the film, if it is known.
            rate: frames per second.
            closed: the film is a loop, so after the last key come the first ones again.

        Raises:
            InputError: two keys of a parameter at the same moment; in a loop, keys after its end or ends that differ.
        """
        tracks = {}
        for name, keys in self.tracks.items():
            timed = sorted(((k.moment.seconds(length_s, rate), k) for k in keys), key=lambda pair: pair[0])
            if closed:
                assert length_s is not None
                timed = _closed(timed, length_s)
            for (before, one), (after, two) in pairwise(timed):
                if after - before < 1e-9:
                    raise InputError(f"{two.place}: there is another key at {before:g} s, {one.place}")
            tracks[name] = tuple((time, key.value, key.ease) for time, key in timed)
        return Timeline(tracks, length_s if closed else None)


def _closed(timed: list[tuple[float, Key]], length_s: float) -> list[tuple[float, Key]]:
    """Return the keys of one cycle; a key at its very end is one at its beginning."""
    late = next((key for time, key in timed if time > length_s + 1e-6), None)
    if late is not None:
        raise InputError(f"{late.place}: the key lies behind the end of the loop at {length_s:g} s")
    first, last = timed[0], timed[-1]
    if last[0] < length_s - 1e-6 or len(timed) == 1:
        return timed
    if first[0] > 1e-6:
        return [(0.0, last[1]), *timed[:-1]]
    if first[1].value != last[1].value:
        raise InputError(
            f"{last[1].place}: the loop does not close, its last value differs from the first; "
            "make them equal or leave out the last key"
        )
    # the way back to the beginning is eased as the key at the end says
    return [(0.0, Key(first[1].moment, first[1].value, last[1].ease, first[1].place)), *timed[1:-1]]


@dataclass(frozen=True)
class Timeline:
    """Values over time: for every parameter, (seconds, value, easing) in order; `cycle_s` is the length of a loop."""

    tracks: Mapping[str, tuple[tuple[float, Any, str], ...]]
    cycle_s: float | None = None

    def at(self, time_s: float) -> dict[str, Any]:
        """Return the plain value of every parameter at a moment; outside of the keys, that of the nearest one."""
        return {name: self._value(name, keys, time_s) for name, keys in self.tracks.items()}

    def _value(self, name: str, keys: tuple[tuple[float, Any, str], ...], time_s: float) -> Any:
        if self.cycle_s is not None:
            time_s %= self.cycle_s
            first, last = keys[0], keys[-1]
            keys = ((last[0] - self.cycle_s, *last[1:]), *keys, (first[0] + self.cycle_s, *first[1:]))
        if time_s <= keys[0][0]:
            return keys[0][1]
        for (before, old, _), (after, new, ease) in pairwise(keys):
            if time_s <= after:
                return between(old, new, EASINGS[ease]((time_s - before) / (after - before)), name in RATIOS)
        return keys[-1][1]


RATIOS = frozenset({"zoom"})  # halfway between 0.5 and 2 is 1


def between(old: Any, new: Any, share: float, ratio: bool = False) -> Any:
    """Return what lies `share` of the way from one number, pair or mix to another; a mix lacks what has no weight."""
    if isinstance(old, Mapping):
        names = dict.fromkeys((*old, *new))
        mixed = {name: between(old.get(name, 0.0), new.get(name, 0.0), share) for name in names}
        return {name: weight for name, weight in mixed.items() if weight != 0}
    if isinstance(old, tuple):
        return tuple(between(a, b, share) for a, b in zip(old, new, strict=True))
    if share in (0, 1):
        return (old, new)[int(share)]
    if ratio:
        return math.exp(between(math.log(old), math.log(new), share))
    mixed = old + (new - old) * share
    return round(mixed) if isinstance(old, int) and isinstance(new, int) else mixed
