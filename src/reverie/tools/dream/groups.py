"""Several things dreamt in one picture, each in a region of its own: ``mask=sky.png,layer=mixed4c,strength=1``.

Keys: ``mask`` (white is dreamt) or ``outside`` (black is dreamt) with a file, ``layer`` (several joined by ``+``, each
optionally ``NAME:WEIGHT``), ``channel`` (joined by ``+``), ``class``, ``guide`` with ``guide-form`` and ``guide-size``,
``guide-class``, ``strength``, and ``soften`` (blur of the mask in pixels). Free of torch.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from reverie.errors import InputError, unknown_name
from reverie.settings import check_settings
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.rules import check_together

KEYS = {
    "mask": "mask", "outside": "outside", "layer": "layer", "channel": "channel", "class": "class_name",
    "guide": "guide", "guide-form": "guide_form", "guide-size": "guide_size", "guide-class": "guide_class",
    "strength": "strength", "soften": "soften_px",
}  # fmt: skip
GOAL = ("layer", "channel", "class_name", "guide", "guide_form", "guide_size", "guide_class")
FILES = {"mask": "mask", "outside": "mask", "guide": "guide"}
KINDS = {
    "channel": "whole numbers joined by +",
    "strength": "a number above 0",
    "soften_px": "pixels from 0 on",
    "guide_size": "a whole number of pixels",
}
EXAMPLE = "mask=sky.png,layer=mixed4c,strength=1"
BETWEEN = re.compile(r",(?=\s*(?:" + "|".join(KEYS) + r")\s*=)")  # a comma inside a file name is no border


@dataclass(frozen=True)
class Group:
    """One region and what is raised in it; without a mask, the whole picture."""

    mask: str | None = None
    outside: str | None = None
    layer: tuple[str, ...] = ()
    channel: tuple[int, ...] = ()
    class_name: str | None = None
    guide: str | None = None
    guide_form: str = "best-match"
    guide_size: int | None = None
    guide_class: str | None = None
    strength: float = 1.0
    soften_px: float = 0.0

    def config(self, whole: DreamConfig) -> DreamConfig:
        """Return the settings of a dream of this group alone."""
        goal = {name: getattr(self, name) for name in GOAL}
        return replace(whole, group=(), **goal)

    def with_files(self, name: Callable[[str, str], str]) -> Group:
        """Return the group with its file names replaced; `name` gets ``mask`` or ``guide`` and what is there now."""
        return replace(self, **{field: name(kind, v) for field, kind in FILES.items() if (v := getattr(self, field))})

    def __str__(self) -> str:
        """Return the text that `parse_group` reads."""
        values = {key: getattr(self, field) for key, field in KEYS.items()}
        words = [f"{k}={_text(v)}" for k, v in values.items() if k == "strength" or v != DEFAULTS[KEYS[k]]]
        return ",".join(words)


DEFAULTS = {field.name: field.default for field in dataclasses.fields(Group)}


def parse_groups(config: DreamConfig) -> tuple[Group, ...]:
    """Return the groups of a dream, each checked.

    Raises:
        InputError: a text that cannot be read, or settings in it that contradict each other.
    """
    found = tuple(parse_group(text) for text in config.group)
    for group in found:
        alone = group.config(config)
        try:
            check_settings(alone)
            check_together(alone)
        except InputError as error:
            raise InputError(f"--group '{group}': {error}") from error
    return found


def parse_group(text: str) -> Group:
    """Return one group.

    Raises:
        InputError: an unknown or repeated key, a value of the wrong kind, or nothing at all.
    """
    values: dict[str, Any] = {}
    for word in BETWEEN.split(text):
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not value:
            raise InputError(f"--group must look like {EXAMPLE}; '{word.strip()}' in it does not")
        if key not in KEYS:
            raise InputError(f"--group '{text}': {unknown_name('key', key, KEYS)}")
        if KEYS[key] in values:
            raise InputError(f"--group '{text}': '{key}' is there twice; join several by +")
        values[KEYS[key]] = _value(KEYS[key], value)
    if "mask" in values and "outside" in values:
        raise InputError(f"--group '{text}': give mask or outside, not both")
    return Group(**values)


def _text(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _value(field: str, text: str) -> Any:
    if field == "layer":
        return tuple(name.strip() for name in text.split("+"))
    try:
        if field == "channel":
            return tuple(int(number) for number in text.split("+"))
        if field == "guide_size":
            return int(text)
        if field in ("strength", "soften_px"):
            number = float(text)
            if not 0 <= number <= 10_000 or (field == "strength" and number == 0) or math.isnan(number):
                raise ValueError
            return number
    except ValueError as error:
        key = next(key for key, name in KEYS.items() if name == field)
        raise InputError(f"--group: {key} must be {KINDS[field]}; got '{text}'") from error
    return text
