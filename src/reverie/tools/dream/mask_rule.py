"""What of a cut-out in colors is the mask: its opacity alone today, brightness times opacity in older results.

Both rules say the same of every other mask. A result whose mask was a cut-out in colors says "opacity". Records did not
say so from the beginning: one that says nothing was made by opacity if it has settings that are as young as that rule,
and else is made again by brightness; `doubt` is the line for those that may have come between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.settings import marked, setting

OPACITY, BRIGHTNESS = "opacity", "brightness"
UNSAID = "opacity-unsaid"  # of a record that does not say so, whose replay does not either
FIELD = "mask_by"
MASK, YOUNG = "mask", "as young as the rule"  # marks of fields: they name a mask; they came with opacity


def mask_setting(verb: str, group: str, *, marks: tuple[str, ...] = (), **facts: Any) -> Any:
    """Declare the mask of a tool that does what `verb` says."""
    text = f"{verb} only here: a picture that is white there, or a cut-out with transparency."
    return setting(None, text, file="picture", own=True, group=group, marks=(MASK, *marks), **facts)


def invert_setting(verb: str, group: str, **facts: Any) -> Any:
    """Declare that the mask is meant the other way round."""
    text = f"{verb} where the mask is black instead."
    return setting(False, text, needs=("mask",), own=True, late=True, group=group, expert=True, **facts)


def keep_setting(group: str, **facts: Any) -> Any:
    """Declare what stays as it is."""
    text = "Leave this as it is: a picture that is white there, or a cut-out."
    return setting(None, text, file="picture", own=True, late=True, group=group, marks=(MASK, YOUNG), **facts)


def mask_by_setting(group: str) -> Any:
    """Declare the field of a tool with masks."""
    return setting(
        None, "What of a cut-out in colors is the mask: its opacity, or its brightness times opacity.",
        choices=(OPACITY, BRIGHTNESS, UNSAID), late=True, decided=True, hidden=True, own=True, group=group,
    )  # fmt: skip


def with_mask_rule(record: Mapping[str, object], settings: type) -> Mapping[str, object]:
    """Return a record of a result that says nothing of its masks with the rule of its time; others as they are.

    `settings` is the class of its settings, whose fields say which name masks and which came with the rule.
    """
    config = record.get("config")
    if not isinstance(config, Mapping) or FIELD in config or not record.get("version"):
        return record
    if not any(config.get(name) for name in marked(settings, MASK)):
        return record
    rule = UNSAID if any(config.get(name) is not None for name in marked(settings, YOUNG)) else BRIGHTNESS
    return {**record, "config": {**config, FIELD: rule}}


def resolved_rule(cut_out: bool, asked: str | None) -> dict[str, str | None]:
    """Return what a record must say of the rule; `cut_out` is whether a mask was a cut-out in colors."""
    return {FIELD: OPACITY if cut_out and asked in (None, OPACITY) else None}


def doubt(cut_out: bool, asked: str | None) -> list[str]:
    """Return the line about a mask that is a cut-out, of a record that says nothing of its rule."""
    if not cut_out or asked != BRIGHTNESS:
        return []
    line = (
        "the mask is a cut-out in colors, and the record does not say how it was read: by brightness, as at first; "
        "if the result differs, it was by opacity: make it anew with --like and --mask"
    )
    return [line]
