"""What of a cut-out in colors is the mask: its opacity alone today, brightness times opacity in older results.

Both rules say the same of every other mask. A result whose mask was a cut-out in colors says "opacity"; a result that
says nothing was made by brightness, and is made again so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.settings import setting

OPACITY, BRIGHTNESS = "opacity", "brightness"
FIELD = "mask_by"
MASKS = ("mask", "keep", "region", "group")  # settings that name masks


def mask_by_setting(group: str) -> Any:
    """Declare the field of a tool with masks."""
    return setting(
        None, "What of a cut-out in colors is the mask: its opacity, or its brightness times opacity.",
        choices=(OPACITY, BRIGHTNESS), late=True, decided=True, hidden=True, own=True, group=group,
    )  # fmt: skip


def with_mask_rule(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record of a result that says nothing of its masks with the rule of its time; others as they are."""
    config = record.get("config")
    if not isinstance(config, Mapping) or FIELD in config or not record.get("version"):
        return record
    if not any(config.get(name) for name in MASKS):
        return record
    return {**record, "config": {**config, FIELD: BRIGHTNESS}}


def resolved_rule(cut_out: bool, asked: str | None) -> dict[str, str | None]:
    """Return what a record must say of the rule; `cut_out` is whether a mask was a cut-out in colors."""
    return {FIELD: OPACITY if cut_out and asked != BRIGHTNESS else None}
