"""Regions of a picture with styles of their own: ``mask=sky.png,style=starry.jpg,strength=0.8``.

Keys: ``mask`` (white is the region) or ``outside`` (black is) with a file; ``style`` (several joined by ``+``, each
optionally ``FILE:WEIGHT``), ``style-mask`` (what counts of the style), ``strength`` (as --strength, for this region),
``keep=1`` (the original stays), and ``soften`` (blur of the mask in pixels). Free of torch.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reverie.data.folder import SUFFIXES
from reverie.errors import InputError, unknown_name

KEYS = {
    "mask": "mask", "outside": "outside", "style": "style", "style-mask": "style_mask", "strength": "strength",
    "keep": "keep", "soften": "soften_px",
}  # fmt: skip
EXAMPLE = "mask=sky.png,style=starry.jpg,strength=0.8"
BETWEEN = re.compile(r",(?=\s*(?:" + "|".join(KEYS) + r")\s*=)")  # a comma inside a file name is no border
KEY_LIKE = re.compile(r",\s*([a-z-]+)\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class StyleRegion:
    """One region: where it is, and what happens there; a strength of None is that of the whole picture."""

    mask: str | None = None
    outside: str | None = None
    style: tuple[str, ...] = ()
    style_mask: str | None = None
    strength: float | None = None
    keep: bool = False
    soften_px: float = 0.0

    def with_files(self, rename: Callable[[str, str], str]) -> StyleRegion:
        """Return the region with its file names replaced; `rename` gets what a file is for and what is there now."""
        changed: dict[str, Any] = {
            field: rename(role, value)
            for field, role in (("mask", "mask"), ("outside", "mask"), ("style_mask", "style mask"))
            if (value := getattr(self, field))
        }
        styles = tuple(rename(f"style {i}", text) for i, text in enumerate(self.style, start=1))
        return replace(self, style=styles, **changed)

    def __str__(self) -> str:
        """Return the text that `parse_region` reads."""
        values = {key: getattr(self, field) for key, field in KEYS.items()}
        words = [f"{k}={_text(v)}" for k, v in values.items() if v != getattr(StyleRegion(), KEYS[k])]
        return ",".join(words)


def parse_regions(texts: tuple[str, ...]) -> tuple[StyleRegion, ...]:
    """Return all regions, each checked.

    Raises:
        InputError: a text that cannot be read, or values in it that contradict each other.
    """
    return tuple(parse_region(text) for text in texts)


def parse_region(text: str) -> StyleRegion:
    """Return one region.

    Raises:
        InputError: an unknown or repeated key, a value of the wrong kind, no mask, or nothing to do.
    """
    values: dict[str, Any] = {}
    for word in BETWEEN.split(text):
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not value:
            raise InputError(f"--region must look like {EXAMPLE}; '{word.strip()}' in it does not")
        if key not in KEYS:
            raise InputError(f"--region '{text}': {unknown_name('key', key, KEYS)}")
        if KEYS[key] in values:
            raise InputError(f"--region '{text}': '{key}' is there twice; join several styles by +")
        _check_misspelt(value, text)
        values[KEYS[key]] = _value(key, value)
    region = StyleRegion(**values)
    _check(region, text)
    return region


def _check(region: StyleRegion, text: str) -> None:
    if (region.mask is None) == (region.outside is None):
        raise InputError(f"--region '{text}': give mask or outside, one of them")
    if region.keep and (region.style or region.strength is not None):
        raise InputError(f"--region '{text}': where the original is kept, style and strength mean nothing")
    if not region.keep and not region.style and region.strength is None:
        raise InputError(f"--region '{text}': say what happens there: style=FILE, strength=NUMBER or keep=1")
    if region.style_mask and len(region.style) != 1:
        raise InputError(f"--region '{text}': style-mask goes with one style")


def _check_misspelt(value: str, text: str) -> None:
    """Refuse a value that goes on with what looks like another key, instead of looking for a file of that name."""
    for word in KEY_LIKE.findall(value):
        if difflib.get_close_matches(word.lower(), KEYS, 1, 0.7) or not _is_picture(value):
            raise InputError(f"--region '{text}': {unknown_name('key', word, KEYS)}")


def _is_picture(value: str) -> bool:
    """Tell whether a text ends as the name of a picture does, with or without a weight."""
    name, colon, _ = value.rpartition(":")
    return any(Path(text).suffix.lower() in SUFFIXES for text in (value, name if colon else value))


def _value(key: str, text: str) -> Any:
    if key == "style":
        styles = tuple(name.strip() for name in text.split("+"))
        if not all(styles):
            raise InputError(f"--region: a style in '{text}' is empty; several are joined by one + each")
        return styles
    if key == "keep":
        if text.lower() not in ("1", "0", "yes", "no"):
            raise InputError(f"--region: keep must be 1 or 0; got '{text}'")
        return text.lower() in ("1", "yes")
    if key not in ("strength", "soften"):
        return text
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    most = 1 if key == "strength" else 10_000
    if not 0 <= number <= most:
        raise InputError(f"--region: {key} must be a number from 0 to {most}; got '{text}'")
    return number


def _text(value: Any) -> str:
    return "1" if value is True else "+".join(value) if isinstance(value, tuple) else str(value)
