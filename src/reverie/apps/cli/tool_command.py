"""Commands made from tools: arguments, options, help, dry run, skipping, progress, Ctrl-C, folders, films, pipes.

A tool says what it needs (`reverie.jobs.tool.Tool`); everything here is the same for all of them.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.common_options import COMMON, QUALITIES, Common, quality_words
from reverie.apps.cli.formats import is_folder
from reverie.apps.cli.one import run_one
from reverie.apps.cli.options import option_of
from reverie.apps.cli.pipes import STDOUT, as_given, read_stdin
from reverie.apps.cli.places import (
    FILMS,
    STILLS,
    Positions,
    check_lists,
    check_places,
    fixed_settings,
    lacking,
    place_words,
    say_places,
    texts_of,
)  # fmt: skip
from reverie.apps.cli.resume import resumed_settings
from reverie.apps.cli.tool_config import films_of, moving_of, settings_of
from reverie.apps.cli.tool_fields import all_fields, fits, hints_of
from reverie.apps.cli.tool_help import print_help
from reverie.apps.cli.values import EACH, with_owners
from reverie.errors import InputError
from reverie.jobs.blocks import CODEC_SPEEDS
from reverie.jobs.cores import check_workers
from reverie.jobs.job import section_types
from reverie.jobs.tool import AnyTool, Role
from reverie.media.budget import reading_within
from reverie.settings import flag_of

if TYPE_CHECKING:
    from reverie.data.sources import Source


def command_for(tool: AnyTool, find: Callable[[str], AnyTool]) -> Callable[..., int]:
    """Return the command of a tool: a function whose signature cyclopts reads."""
    roles = tool.roles
    common = [_common(tool, *item) for item in COMMON if fits(item[0], tool)]
    common += [_extra_option(label, text) for label, text in tool.extras.items()]
    taken = {parameter.name for parameter in common} | {role.name for role in roles}
    hints, options = hints_of(tool), {}
    for field, _ in all_fields(tool):
        if field.name not in taken:
            options.setdefault(field.name, option_of(field, hints[field.name]))
    used = {name for parameter in (*common, *options.values()) for name in parameter.annotation.__metadata__[0].name}
    named = [_named(role, used) for role in roles]

    def command(*words: Any, **kwargs: Any) -> int:
        positions = place_words(
            tool, texts_of(words), {role.name: kwargs.get(f"named_{role.name}", ()) for role in roles}
        )
        names = {field.name for field in dataclasses.fields(Common)}
        chosen = Common(**{name: kwargs[name] for name in names if name in kwargs and name not in options})
        extras = {label: as_given(kwargs[f"extra_{label}"]) for label in tool.extras if kwargs.get(f"extra_{label}")}
        chosen = replace(chosen, extras=extras)
        given = {name: value for name, value in kwargs.items() if name in options}
        with reading_within(_memory(kwargs.get("max_memory"))):
            return run_tool(tool, find, positions, given, chosen)

    command.__doc__ = tool.summary
    command.__name__ = tool.name.replace(" ", "_") + "_command"
    note = Parameter(help=" ".join(role.help for role in roles), negative="", show_default=False)
    words = inspect.Parameter("words", inspect.Parameter.VAR_POSITIONAL, annotation=Annotated[str, note])
    command.__signature__ = inspect.Signature([words, *named, *common, *options.values()])
    return command


def _memory(text: str | None) -> float | None:
    """Return the limit of memory that the user gave, which holds for reading files, too."""
    from reverie.optimize.byte_counts import parse_bytes

    return None if text is None else float(parse_bytes(text))


def with_quality(tool: AnyTool, common: Common) -> Common:
    """Return the options with what ``--quality`` says in its place: a number is that of files, a word a preset.

    Raises:
        InputError: neither a number from 1 to 100 nor such a word.
    """
    words = [name for name in QUALITIES if name in tool.presets]
    asked: object = common.quality
    if isinstance(asked, str) and asked in words and common.look is None:
        return replace(common, quality=Common().quality, look=asked)
    if isinstance(asked, int) and 1 <= asked <= 100:
        return common
    also = f", or one of {', '.join(words)} without --preset" if words else ""
    raise InputError(f"--quality must be between 1 and 100{also}; got '{asked}'")


def _named(role: Role, used: set[str]) -> inspect.Parameter:
    """Return the option that gives a role by name."""
    names = [*role.alias, f"--{role.name.replace('_', '-')}", *(["--input", "-i"] if role.streamed else [])]
    note = Parameter(name=[n for n in dict.fromkeys(names) if n not in used], negative="", show=False)
    kind = Annotated[tuple[str, ...], note]
    return inspect.Parameter(f"named_{role.name}", inspect.Parameter.KEYWORD_ONLY, default=(), annotation=kind)


def _common(tool: AnyTool, name: str, kind: Any, default: Any, names: tuple[str, ...], text: str) -> inspect.Parameter:
    if name == "look":
        text += " " + "; ".join(f"{look}: {what}" for look, (what, _) in tool.presets.items()) + "."
    if name == "quality":
        text += quality_words(tool.presets)
    note = Parameter(name=names, help=text, negative="", show_default=default not in (None, False))
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, note])


def _extra_option(label: str, text: str) -> inspect.Parameter:
    note = Parameter(name=f"--{label}", help=text, negative="", show_default=False)
    kind = Annotated[str | None, note]
    return inspect.Parameter(f"extra_{label}", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


# -- running ----------------------------------------------------------------------------------------------------------


def run_tool(
    tool: AnyTool, find: Callable[[str], AnyTool], positions: Positions, given: Mapping[str, object],
    common: Common,
) -> int:  # fmt: skip
    """Do what a command line asks a tool for, and return the exit code."""
    role = tool.streamed
    texts = texts_of(positions.get(role.name)) if role is not None else ()
    if role is not None and not positions and not given and common == Common():
        return print_help(tool.name, everything=False)
    check_places(tool, texts, positions, common)
    check_lists(tool, texts, given, layers=common.layers)
    say_places(tool, texts, positions)
    fixed = fixed_settings(tool, positions, like=common.like is not None)
    given, common = _readied(tool, dict(given) | fixed, common)
    if role is not None and role.required and not texts:
        raise InputError(lacking(tool, role))
    if common.layers:
        return _layers(settings_of(tool, find, given, common))
    if role is None or not texts:
        if common.seed_each:
            raise InputError("--seed each gives every picture of a folder a seed of its own; give a number or random")
        return _from_nothing(tool, find, given, common)
    if common.seed_each and role.kind not in ("picture", "film"):
        raise InputError("--seed each goes with a folder of pictures; give a number")
    if any("://" in text for text in texts):
        from reverie.apps.cli.urls import run_urls

        return run_urls(tool, find, texts, given, common)
    if role.kind == "mesh":
        return _meshes(tool, find, texts, given, common)
    if role.kind not in ("picture", "film"):
        return _files(tool, find, texts, given, common, role)
    return _pictures(tool, find, texts, given, common)


def _pictures(
    tool: AnyTool, find: Callable[[str], AnyTool], texts: tuple[str, ...], given: Mapping[str, object], common: Common
) -> int:
    """Work on pictures and films: one, or as many as the words stand for."""
    from reverie.data.sources import find_sources

    output = None if common.output is None else as_given(common.output)
    folder = None if output in (None, STDOUT) else Path(output)
    found = find_sources(texts, recursive=common.recursive, leave_out=folder)
    if found.many or is_folder(output):
        from reverie.apps.cli.many import run_many

        if common.show:
            raise InputError("--show follows one work; give one picture")
        if common.sheet is not None:
            raise InputError("--sheet tries settings on one picture; here are several sources")
        moves = next(
            (field for field, _ in all_fields(tool) if field.name in given and field.metadata.get("moves")), None
        )
        if moves is not None:
            raise InputError(f"{flag_of(moves)} makes a film from one picture; here are several sources")
        if not any(source.kind == "film" for source in found.sources):
            _check_given(tool, tool, given, "goes with a video, GIF or animated WebP; there is none in the list")
        return run_many(tool, find, found, given, common)
    (source,) = found.sources
    return _source(tool, find, source, given, common, output)


def _readied(tool: AnyTool, given: dict[str, object], common: Common) -> tuple[dict[str, object], Common]:
    """Return options as the tool takes them: seeds for each, and what older command lines meant by theirs.

    Raises:
        InputError: a quality or a number of workers that cannot be.
    """
    given = with_owners({field.name: field for field, _ in reversed(all_fields(tool))}, given)
    if given.get("seed") == EACH:
        given, common = {k: v for k, v in given.items() if k != "seed"}, replace(common, seed_each=True)
    if common.look in CODEC_SPEEDS and common.look not in tool.presets:  # what --preset meant before there were looks
        given, common = {"preset": common.look} | given, replace(common, look=None)
    common = with_quality(tool, common)
    check_workers(common.workers)
    return given, common


def _layers(config: Any) -> int:
    from reverie.apps.cli.models import print_layers

    part = getattr(config, "config", config)
    print_layers(part.model, part.weights)
    return 0


def _from_nothing(tool: AnyTool, find: Callable[[str], AnyTool], given: Mapping[str, object], common: Common) -> int:
    output = None if common.output is None else as_given(common.output)
    chosen = _moving(tool, given, output) or tool
    _check_given(tool, chosen, given, "goes with a video, GIF or animated WebP; this is a picture")
    config = settings_of(chosen, find, given, common, tool, from_nothing=tool.streamed is not None)
    if common.resume:
        config = resumed_settings(chosen, find, config, given, common, tool)
        if config is None:
            return 0
    if tool.several is not None and common.sheet is None:
        from reverie.apps.cli.parts import run_parts

        return run_parts(tool, find, config, common)
    if common.output is None and tool.prints_by(config):
        from reverie.apps.cli.printed import print_one

        return print_one(tool, find, config, None, common)
    return run_one(chosen, find, config, None, common)


def _moving(tool: AnyTool, given: Mapping[str, object], output: str | None) -> AnyTool | None:
    """Return the tool that makes a film from a still, if an option of such films or the result's name asks for one."""
    moving = moving_of(tool)
    if moving is None or _still(output):
        return None
    video = {field.name for field in dataclasses.fields(section_types(moving.config).get("video", moving.config))}
    asked = {field.name for _, field in moving.fields()} - {field.name for _, field in tool.fields()} - video
    asked |= {field.name for _, field in moving.fields() if field.metadata.get("moves")}
    named = output is not None and Path(output).suffix.lower() in FILMS
    return moving if named or asked.intersection(given) else None


def _check_given(tool: AnyTool, chosen: AnyTool, given: Mapping[str, object], why: str) -> None:
    """Refuse options that would do nothing.

    Raises:
        InputError: names the first.
    """
    known = {field.name for _, field in chosen.fields()} | {role.name for role in tool.fixed}
    for field, _ in all_fields(tool):
        if field.name in given and field.name not in known:
            raise InputError(f"{flag_of(field)} {why}")


def _source(
    tool: AnyTool, find: Callable[[str], AnyTool], source: Source, given: Mapping[str, object], common: Common,
    output: str | None,
) -> int:  # fmt: skip
    from reverie.jobs.given import Given

    chosen, why = tool, "goes with a video, GIF or animated WebP; this is a picture"
    film = films_of(tool)
    if source.kind == "film" and film is not None and not _still(output):
        chosen, why = film, "makes films from a still picture; a video has its own motion, length and rate"
    elif (moving := _moving(tool, given, output)) is not None:
        chosen, why = moving, "goes with a video, GIF or animated WebP; this film is made from a picture"
        if source.kind == "stdin":
            raise InputError("a film needs its picture in a file, to go on where it was stopped")
    _check_given(tool, chosen, given, why)
    if chosen.makes == "film" and (common.sheet is not None or output == STDOUT):
        raise InputError("--sheet and -o - go with a picture; this makes a film")
    if common.seed_each:  # the seed that the picture has in a folder too
        from reverie.apps.cli.many import own_seed

        given = dict(given) | {"seed": own_seed(source.name)}
    config = settings_of(chosen, find, given, common, tool)
    item = Given(picture=read_stdin()) if source.kind == "stdin" else Given(source.path, kind=source.kind)
    return run_one(chosen, find, config, item, common)


def _still(output: str | None) -> bool:
    return output is not None and Path(output).suffix.lower() in STILLS


def _meshes(
    tool: AnyTool, find: Callable[[str], AnyTool], texts: tuple[str, ...], given: Mapping[str, object], common: Common
) -> int:  # fmt: skip
    """Work on meshes: one, or those of patterns and folders."""
    from reverie.data.sources import find_meshes
    from reverie.jobs.given import Given

    output = None if common.output is None else as_given(common.output)
    if output == STDOUT:
        raise InputError(f"reverie {tool.name} writes files; give one with -o")
    found = find_meshes(texts, recursive=common.recursive, leave_out=None if output is None else Path(output))
    if found.many:
        from reverie.apps.cli.many import run_many

        if common.show or common.sheet is not None:
            raise InputError("--show and --sheet go with one mesh; here are several")
        return run_many(tool, find, found, given, common)
    (source,) = found.sources
    if not source.path.exists():
        raise InputError(f"no mesh at '{source.path}'")
    return run_one(tool, find, settings_of(tool, find, given, common), Given(source.path, kind="mesh"), common)


def _files(
    tool: AnyTool, find: Callable[[str], AnyTool], texts: tuple[str, ...], given: Mapping[str, object], common: Common,
    role: Role,
) -> int:  # fmt: skip
    """Work on files and folders that are no pictures, one after the other."""
    from reverie.jobs.given import Given

    config, code = settings_of(tool, find, given, common), 0
    for text in texts:
        path = Path(text)
        if not path.exists():
            raise InputError(f"no {'file' if role.kind == 'any' else role.kind} at '{text}'")
        code = max(code, run_one(tool, find, config, Given(path, kind=role.kind), common))
    return code
