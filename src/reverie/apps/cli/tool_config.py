"""The settings of a tool from a command line: another result's or a preset's, and what was given on top."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.apps.cli.output import print_note
from reverie.errors import InputError
from reverie.jobs.files import Files, found_config, with_networks, with_parts
from reverie.jobs.job import joined, section_types, sections
from reverie.jobs.presets import preset_of
from reverie.jobs.tool import AnyTool, load
from reverie.settings import check_together, fields_of, flag_of, parse_settings, to_record, without_rivals

if TYPE_CHECKING:
    from reverie.apps.cli.common_options import Common


def settings_of(
    tool: AnyTool, find: Callable[[str], AnyTool], given: Mapping[str, object], common: Common,
    family: AnyTool | None = None, *, from_nothing: bool = False, base: Mapping[str, object] | None = None,
) -> object:  # fmt: skip
    """Return the settings: those of another result or of a preset if one was named, and what was given on top.

    `family` is the tool of pictures where `tool` is the one that works on films in its place. A look that is meant
    where none is named needs something to work on. `base` are settings below those of a recipe and the given ones.

    Raises:
        InputError: they contradict each other, or the other result is not this tool's.
    """
    family = family or tool
    stored = _like(family, find, common.like, given) if common.like is not None else None
    look = preset_of(family, common.look, given, usual=stored is None and not from_nothing)
    preset = {**(base or {}), **_recipe(tool, common.recipe), **look}
    parts: dict[str, object] = {}
    for name, cls in section_types(tool.config).items():
        own = {f.name for f in dataclasses.fields(cls)}
        chosen = _lists({key: value for key, value in given.items() if key in own})
        styled = {key: value for key, value in preset.items() if key in own}
        values: dict[str, object] = {}
        if stored is not None and name in sections(stored):
            drop = {f.name for f in dataclasses.fields(cls) if f.metadata.get("own")}
            values = {k: v for k, v in to_record(sections(stored)[name]).items() if k not in drop}
        values = without_rivals(cls, values, styled | chosen) | styled
        values = without_rivals(cls, values, chosen) | chosen
        parts[name] = parse_settings(cls, values, "the settings")
        check_together(parts[name])
    config = with_networks(joined(tool.config, parts))
    if tool.check is not None:
        tool.check(config)
    return config


def _recipe(tool: AnyTool, recipe: str | None) -> dict[str, object]:
    """Return the settings of a recipe; a tool that takes one has no sections."""
    if recipe is None:
        return {}
    from reverie.apps.cli.recipe import read_recipe

    return read_recipe(recipe, tool.config)


def films_of(tool: AnyTool) -> AnyTool | None:
    """Return the tool that works on films as this one does on pictures; None for tools without pictures."""
    if tool.film is not None:
        return load(tool.film)
    if tool.streamed is None or tool.streamed.kind != "picture" or tool.makes != "picture":
        return None
    from reverie.jobs.film import film

    return film(tool)


def moving_of(tool: AnyTool) -> AnyTool | None:
    """Return the tool that makes a film from a still, if there is one."""
    return None if tool.moving is None else load(tool.moving)


def more_sections(tool: AnyTool, other: AnyTool | None) -> dict[str, type]:
    """Return the sections that another tool's settings have beside those of this one."""
    own = section_types(tool.config)
    return {} if other is None else {n: cls for n, cls in section_types(other.config).items() if n not in own}


def _lists(given: Mapping[str, object]) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}


def _like(family: AnyTool, find: Callable[[str], AnyTool], like: str, given: Mapping[str, object]) -> object:
    """Return the settings inside another result; files that the given ones take the place of are not looked for."""
    from reverie.jobs.replay import stored_job

    made = Path(like)
    job = stored_job(made, find)
    kin = {other.name for other in (family, films_of(family), moving_of(family)) if other is not None}
    if job.tool not in kin and job.tool != f"sheet({family.name})" and find(job.tool).prepare != family.prepare:
        raise InputError(f"'{made.name}' was made by '{job.tool}'; --like takes what reverie {family.name} made")
    parts: dict[str, object] = {}
    for name, part in sections(job.config).items():
        fields = {field.name: field for field in fields_of(part)}
        chosen = {key: value for key, value in given.items() if key in fields}
        kept = without_rivals(type(part), to_record(part), chosen)
        for key, field in fields.items():
            known, set_there = field.metadata, getattr(part, key) != field.default
            if known.get("own") and known.get("file") and set_there and key not in chosen:
                print_note(f"--like leaves {flag_of(field)} of '{made.name}' out; give it again for this picture")
        gone = {
            key: field.default for key, field in fields.items()
            if key not in kept or key in chosen or field.metadata.get("own")
        }  # fmt: skip
        parts[name] = dataclasses.replace(part, **gone)  # type: ignore[type-var]
    return found_config(dataclasses.replace(job, config=with_parts(job.config, parts)), Files(made))
