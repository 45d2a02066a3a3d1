"""What changes over a stylized film: the shares of its styles, and the strength.

    ease: smooth
    style:
      0%: monet.jpg                       # by file name, with or without its ending, or by number
      50%: {monet.jpg: 1, klee.jpg: 1}    # several with their weights
      100%: klee.jpg
    strength: {0s: 0.3, 4s: 0.8}

Free of torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from reverie.errors import InputError, unknown_name
from reverie.tools.keyframes.file import (
    Readers,
    parse_keyframes,
    read_mix,
    read_number,
    read_range,
)
from reverie.tools.keyframes.keyframes import Keyframes

MOST_WEIGHT = 1e6


def parse_style_keys(text: str, name: str = "keyframes") -> Keyframes:
    """Return the keyframes in a text for stylized films.

    Raises:
        InputError: as `read_keyframes`.
    """
    return parse_keyframes(text, name, READERS)


class StyleKeys:
    """Weights of the styles and strength at every frame of a film.

    Args:
        keyframes: what they say; None if nothing is keyed.
        interpolate: go evenly from the first style to the last.
        names: of the styles, as keyframes call them.
        total: number of frames.
        rate: frames per second.

    Raises:
        InputError: a style that there is not, keys at the same moment, or both ways to change styles at once.
    """

    def __init__(
        self, keyframes: Keyframes | None = None, *, interpolate: bool = False, names: Sequence[str] = (),
        total: int = 1, rate: Fraction = Fraction(1),
    ) -> None:  # fmt: skip
        keyframes = keyframes or Keyframes({})
        self.keyframes, self.interpolate, self.styles, self.total, self.rate = (
            keyframes, interpolate, len(names), total, rate
        )  # fmt: skip
        if interpolate and "style" in keyframes.tracks:
            place = keyframes.tracks["style"][0].place
            raise InputError(f"{place}: 'style' does not go with --interpolate; choose one")
        self._known = known_as(names)
        for key in keyframes.tracks.get("style", ()):
            for name in key.value:
                if name not in self._known:
                    what = unknown_name("style", name, names) if names else "no style outside regions can be keyed"
                    raise InputError(f"{key.place}: {what}")
        self._timeline = keyframes.timeline(total / float(rate), rate)

    @property
    def changes(self) -> bool:
        """Whether anything does."""
        return self.interpolate or bool(self.keyframes.tracks)

    def weights(self, index: int) -> list[float] | None:
        """Return the weights of all styles at a frame; None where they are those given."""
        if self.interpolate:
            return shares_at(index, self.total, self.styles)
        mix = self._at(index).get("style")
        if mix is None:
            return None
        found = [0.0] * self.styles
        for name, weight in mix.items():
            found[self._known[name]] += weight
        return found

    def strength(self, index: int) -> float | None:
        """Return the strength at a frame; None where it is the one given."""
        return self._at(index).get("strength")

    def _at(self, index: int) -> dict[str, Any]:
        return self._timeline.at(index / float(self.rate))


def known_as(names: Sequence[str]) -> dict[str, int]:
    """Return the place of every style by its number, and by its file's name with and without the ending.

    What two of them are called is left out.
    """
    known = {str(number): number - 1 for number in range(1, len(names) + 1)}
    for calls in ([Path(name).stem for name in names], list(names)):
        often = Counter(calls)
        known |= {call: place for place, call in enumerate(calls) if often[call] == 1}
    return known


def shares_at(index: int, total: int, styles: int) -> list[float]:
    """Return the shares of styles at a frame, on the way from the first to the last."""
    place = (styles - 1) * index / max(1, total - 1)
    return [max(0.0, 1 - abs(place - number)) for number in range(styles)]


def _weights(value: Any, place: str) -> dict[str, float]:
    mix = {
        name: read_number(weight, f"{place}, {name}", 0, MOST_WEIGHT) for name, weight in read_mix(value, place).items()
    }
    if not any(mix.values()):
        raise InputError(f"{place}: no style has a weight above zero")
    return mix


READERS: Readers = {"style": _weights, "strength": read_range(0, 1)}
