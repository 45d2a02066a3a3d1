"""Tell whether a result is there already: made by the same tool, from the same files, with the same settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reverie.jobs.files import base_name, with_paths
from reverie.jobs.job import Input, Job, sections
from reverie.settings import fields_of

LOSSY = (".jpg", ".jpeg", ".webp", ".avif")


def up_to_date(stored: Job, wanted: Job, path: Path) -> bool:
    """Return whether the result that `stored` was found in is what `wanted` would make.

    Files count by content, not by name; settings that change only the last bits count where they were given.
    """
    if stored.tool != wanted.tool or stored.stopped_at_step is not None:
        return False
    if wanted.more:  # what decides a result of a search, whose settings do not: see `reverie.jobs.parts`
        return _same_quality(stored, wanted, path) and all(stored.more.get(k) == v for k, v in wanted.more.items())
    if _content(stored.streamed) != _content(wanted.streamed):
        return False
    if any(_content(stored.files.get(role)) != item.sha256 for role, item in wanted.files.items()):
        return False
    if wanted.model is not None and _content(stored.model) != wanted.model.sha256:
        return False
    then, now = sections(stored.config), sections(wanted.config)
    if then.keys() != now.keys() or not all(_same(then[name], now[name], wanted.files) for name in now):
        return False
    return _same_quality(stored, wanted, path)


def _same_quality(stored: Job, wanted: Job, path: Path) -> bool:
    return path.suffix.lower() not in LOSSY or stored.quality == wanted.quality


def _content(item: Input | None) -> str | None:
    return None if item is None else item.sha256


def _same(stored: object, wanted: object, files: Mapping[str, Input]) -> bool:
    stored, wanted = (with_paths(part, lambda role, path: "" if role in files else path) for part in (stored, wanted))
    for field in fields_of(wanted):
        then, now = getattr(stored, field.name), getattr(wanted, field.name)
        known = field.metadata
        if not known.get("replay", True) and (not known.get("counts") or now == field.default or now == "auto"):
            continue
        if now is None and known.get("decided"):
            continue
        if then != now and then != _bare(now):
            return False
    return True


def _bare(value: object) -> object:
    return base_name(value) if isinstance(value, str) else value
