"""Read keyframes from a small YAML file; every mistake is reported with its line and the nearest valid name.

    ease: smooth                      # for all keys that do not say otherwise
    layer:
      0s: mixed4c                     # 3, 3s, 72f and 50% are moments
      50%: {mixed5a: 1, mixed4c: 0.5} # weights of layers, blended by gradients of equal size
    zoom:
      0: 1.04/s
      4s: 1.2 ease-out                # an easing after the value: how it is reached

The same file drives a loop from a still picture and the dreaming of a video; stylized films read theirs with parameters
of their own, see `reverie.tools.style_film.keys`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reverie.errors import InputError, unknown_name
from reverie.jobs.plain_text import compose_yaml, read_text, short
from reverie.settings import check_settings, marked
from reverie.tools.dream.config import DreamConfig
from reverie.tools.keyframes.easing import EASINGS
from reverie.tools.keyframes.keyframes import Key, Keyframes, Moment

MOMENT = re.compile(r"([\d.]+(?:e[-+]?\d+)?)\s*(s|f|%)?", re.IGNORECASE)
MIXES = ("layer", "class")
WEIGHED = (*MIXES, "group", "style")  # values are names with weights
FIELDS = marked(DreamConfig, "keyable")

Readers = Mapping[str, Callable[[Any, str], Any]]  # by parameter: of a value and the place where it is written


def read_keyframes(path: Path | str, readers: Readers | None = None) -> Keyframes:
    """Return the keyframes in a file; `readers` knows the parameters, by default those of dreams.

    Raises:
        InputError: no such file, not YAML, or anything in it that is not understood; the message names the line.
    """
    path = Path(path)
    text = read_text(path, "the keyframes")
    return parse_keyframes(text, path.name, readers)


def parse_keyframes(text: str, name: str = "keyframes", readers: Readers | None = None) -> Keyframes:
    """Return the keyframes in a text; `name` stands in messages.

    Raises:
        InputError: as `read_keyframes`.
    """
    readers = PARAMETERS if readers is None else readers
    root = compose_yaml(text, name)
    ease, tracks = "linear", {}
    for key, node in _pairs(root, name, "parameters with keys, such as 'strength: {0s: 0.5}'"):
        parameter = str(key.value).replace("-", "_")
        if parameter == "ease":
            ease = _ease(_text(node, name), _place(name, node))
        elif parameter not in readers:
            raise InputError(f"{_place(name, key)}: {unknown_name('parameter', str(key.value), (*readers, 'ease'))}")
        else:
            tracks[parameter] = node
    if not tracks:
        raise InputError(f"'{name}' holds no keys; expected, for example, 'strength: {{0s: 0.2, 4s: 0.8}}'")
    keys = {parameter: _track(parameter, node, name, ease, readers[parameter]) for parameter, node in tracks.items()}
    return Keyframes(keys, name, text)


def _track(parameter: str, node: Any, name: str, ease: str, read: Callable[[Any, str], Any]) -> tuple[Key, ...]:
    pairs = _pairs(node, name, f"moments and values of '{parameter}', such as '2s: ...'")
    if not pairs:
        raise InputError(f"{_place(name, node)}: '{parameter}' has no keys")
    found = []
    for moment, value in pairs:
        place = _place(name, moment)
        plain, own = _split(parameter, value, name)
        found.append(Key(_moment(moment, place), read(plain, f"{place}, {parameter}"), own or ease, place))
    return tuple(found)


def _split(parameter: str, node: Any, name: str) -> tuple[Any, str | None]:
    """Return a key's value and its own easing: a last word, or an entry called `ease`."""
    place = _place(name, node)
    if isinstance(node, yaml.SequenceNode):
        return [_text(item, name) for item in node.value], None
    if isinstance(node, yaml.ScalarNode):
        text = node.value.strip()
        head, _, last = text.rpartition(" ")
        return (head.strip(), last) if head and last in EASINGS else (text, None)
    entries = {_text(k, name): v for k, v in _pairs(node, name, "a value")}
    ease = None if "ease" not in entries else _ease(_text(entries.pop("ease"), name), place)
    if parameter in WEIGHED:
        return {k: _text(v, name) for k, v in entries.items()}, ease
    if set(entries) != {"value"} or isinstance(entries["value"], yaml.MappingNode):
        raise InputError(f"{place}, {parameter}: expected 'value' and 'ease', got {', '.join(entries) or 'nothing'}")
    return _split(parameter, entries["value"], name)[0], ease


def _text(node: Any, name: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise InputError(f"{_place(name, node)}: expected one value, got a list or mapping")
    return node.value.strip()


def _moment(node: Any, place: str) -> Moment:
    found = MOMENT.fullmatch(str(node.value).strip())
    try:
        amount = float(found[1]) if found else math.nan
    except ValueError:
        amount = math.nan
    if found is None or not math.isfinite(amount):
        raise InputError(
            f"{place}: '{short(node.value)}' is no moment; expected seconds (2 or 2.5s), frames (48f) or percent"
        )
    unit = (found[2] or "s").lower()
    if unit == "%" and amount > 100:
        raise InputError(f"{place}: {node.value} is beyond the end; expected 0% to 100%")
    if unit == "f" and amount != int(amount):
        raise InputError(f"{place}: '{short(node.value)}' is no whole frame; expected, for example, {int(amount)}f")
    return Moment(amount, unit)


def _ease(word: str, place: str) -> str:
    if word not in EASINGS:
        raise InputError(f"{place}: {unknown_name('easing', word, EASINGS)}")
    return word


def _pairs(node: Any, name: str, expected: str) -> list[tuple[Any, Any]]:
    """Return the entries of a YAML mapping, whose keys must be plain and different."""
    if not isinstance(node, yaml.MappingNode):
        place = f"'{name}'" if node is None else _place(name, node)
        raise InputError(f"{place}: expected {expected}")
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InputError(f"{_place(name, key)}: expected a plain name or moment before the colon")
        if key.value in seen:
            raise InputError(f"{_place(name, key)}: '{short(key.value)}' stands here twice")
        seen.add(key.value)
    return node.value


def _place(name: str, node: Any) -> str:
    return f"'{name}' line {node.start_mark.line + 1}"


# -- values -----------------------------------------------------------------------------------------------------------


def read_number(value: Any, place: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a number out of a text; `place` stands in messages.

    Raises:
        InputError: not one, or out of range.
    """
    try:
        number = float(str(value).removesuffix("/s"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        easings = ", ".join(EASINGS)
        raise InputError(f"{place}: expected a number, and after it an easing if any ({easings}); got '{short(value)}'")
    if not low <= number <= high:
        raise InputError(f"{place}: expected {low:g} to {high:g}; got {number:g}")
    return number


def read_range(low: float, high: float) -> Callable[[Any, str], float]:
    """Return a reader of numbers from `low` to `high`."""
    return lambda value, place: read_number(value, place, low, high)


def _pan(value: Any, place: str) -> tuple[float, float]:
    parts = value if isinstance(value, list) else str(value).removesuffix("/s").replace(",", " ").split()
    if len(parts) != 2:
        raise InputError(
            f"{place}: expected shares of width and height a second, such as '0.1, 0'; got '{short(value)}'"
        )
    return read_number(parts[0], place), read_number(parts[1], place)


def read_mix(value: Any, place: str) -> dict[str, float]:
    """Return names with weights; one name alone has all.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, str) and value:
        return {value: 1.0}
    if not isinstance(value, dict) or not value:
        raise InputError(f"{place}: expected a name, or names with weights such as '{{one: 0.5, other: 1}}'")
    return {name: read_number(weight, f"{place}, {name}") for name, weight in value.items()}


def _shares(value: Any, place: str) -> dict[str, float]:
    return {name: read_number(share, f"{place}, {name}", 0, 1) for name, share in read_mix(value, place).items()}


def _field(name: str) -> Callable[[Any, str], float]:
    def read(value: Any, place: str) -> float:
        number = read_number(value, place)
        if isinstance(FIELDS[name], int):
            if number != int(number):
                raise InputError(f"{place}: expected a whole number; got '{short(value)}'")
            number = int(number)
        fields: dict[str, Any] = {name: number}
        try:
            check_settings(DreamConfig(**fields))
        except InputError as error:
            raise InputError(f"{place}: {str(error).partition(' ')[2]}") from error
        return number

    return read


PARAMETERS: dict[str, Callable[[Any, str], Any]] = {
    "layer": read_mix,
    "class": read_mix,
    "group": _shares,
    "strength": read_range(0, 100),
    "zoom": read_range(0.01, 100),
    "rotate": read_number,
    "pan": _pan,
    "anchor": read_range(0, 1),
    "blend": read_range(0, 1),
    **{name: _field(name) for name in FIELDS},
}
