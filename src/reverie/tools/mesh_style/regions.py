"""Parts of a mesh with styles of their own: ``material=eyes,keep=1`` or ``mask=belly.png,style=waves.jpg``.

Keys: ``material`` (a name in the mesh's file) or ``mask`` (a picture on the file's texture coordinates, white is the
part); ``style`` (several joined by ``+``), ``strength`` (as --strength, for this part), ``keep=1`` (the original
stays). Free of torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from reverie.errors import InputError, unknown_name

KEYS = ("material", "mask", "style", "strength", "keep")
EXAMPLE = "material=eyes,style=waves.jpg,strength=0.8"
BETWEEN = re.compile(r",(?=\s*(?:" + "|".join(KEYS) + r")\s*=)")  # a comma inside a file name is no border


@dataclass(frozen=True)
class MeshRegion:
    """One part: where it is, and what happens there; a strength of None is that of the whole mesh."""

    material: str | None = None
    mask: str | None = None
    style: tuple[str, ...] = ()
    strength: float | None = None
    keep: bool = False

    def __str__(self) -> str:
        """Return the text that `parse_region` reads."""
        words = [f"{key}={_text(getattr(self, key))}" for key in KEYS if getattr(self, key) not in (None, (), False)]
        return ",".join(words)


def renamed(text: str, change: Callable[[str, str], str]) -> str:
    """Return the text of a region with its files' names changed; see `setting(inside=...)`."""
    region = parse_region(text)
    mask = None if region.mask is None else change("mask", region.mask)
    styles = tuple(change(f"style {number}", path) for number, path in enumerate(region.style, 1))
    return str(replace(region, mask=mask, style=styles))


def parse_region(text: str) -> MeshRegion:
    """Return one region.

    Raises:
        InputError: an unknown or repeated key, a value of the wrong kind, no place, or nothing to do.
    """
    values: dict[str, object] = {}
    for word in BETWEEN.split(text):
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not value:
            raise InputError(f"--region must look like {EXAMPLE}; '{word.strip()}' in it does not")
        if key not in KEYS:
            raise InputError(f"--region '{text}': {unknown_name('key', key, KEYS)}")
        if key in values:
            raise InputError(f"--region '{text}': '{key}' is there twice; join several styles by +")
        values[key] = _value(key, value)
    region = MeshRegion(**values)  # type: ignore[arg-type]
    if (region.material is None) == (region.mask is None):
        raise InputError(f"--region '{text}': give material or mask, one of them")
    if region.keep == bool(region.style or region.strength is not None):
        raise InputError(f"--region '{text}': say what happens there: style=FILE, strength=NUMBER, or keep=1 alone")
    return region


def _value(key: str, text: str) -> object:
    if key == "style":
        return tuple(name.strip() for name in text.split("+") if name.strip())
    if key == "keep":
        if text not in ("0", "1"):
            raise InputError(f"--region: keep must be 1 or 0; got '{text}'")
        return text == "1"
    if key != "strength":
        return text
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise InputError(f"--region: strength must be a number from 0 to 1; got '{text}'")
    return number


def _text(value: object) -> str:
    return "1" if value is True else "+".join(value) if isinstance(value, tuple) else str(value)
