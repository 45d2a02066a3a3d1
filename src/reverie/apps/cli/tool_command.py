"""Commands made from tools: arguments, options, help, dry run, skipping, progress, Ctrl-C, folders, films, pipes.

A tool says what it needs (`reverie.jobs.tool.Tool`); everything here is the same for all of them.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.batch_options import is_folder
from reverie.apps.cli.common_options import COMMON, Common
from reverie.apps.cli.one import run_one
from reverie.apps.cli.options import option_of
from reverie.apps.cli.pipes import STDOUT, as_given, read_stdin
from reverie.errors import InputError
from reverie.jobs.files import Files, found_config
from reverie.jobs.film import film, film_sections
from reverie.jobs.job import joined, section_types, sections
from reverie.jobs.tool import AnyTool, Role
from reverie.settings import check_together, flag_of, parse_settings, to_record, without_rivals

if TYPE_CHECKING:
    from reverie.data.sources import Found, Source

STILLS = (".png", ".jpg", ".jpeg", ".avif", ".tif", ".tiff")  # of --output, which ask for one picture of a film
MOVES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif")  # which ask for a film of a still picture


def command_for(tool: AnyTool, find: Callable[[str], AnyTool]) -> Callable[..., int]:
    """Return the command of a tool: a function whose signature cyclopts reads."""
    roles = tool.roles
    common = [_common(*item) for item in COMMON if _fits(item[0], tool)]
    taken = {parameter.name for parameter in common} | {role.name for role in roles if not role.option}
    options = {}
    for _, field in _all_fields(tool):
        if field.name not in taken:
            options.setdefault(field.name, option_of(field, _hints(tool)[field.name]))

    def command(*args: Any, **kwargs: Any) -> int:
        positions = {role.name: value for role, value in zip(roles, args, strict=False)}
        chosen = Common(**{p.name: kwargs[p.name] for p in common if p.name in kwargs})
        given = {name: value for name, value in kwargs.items() if name in options}
        return run_tool(tool, find, positions, given, chosen)

    command.__doc__ = tool.summary
    command.__name__ = tool.name.replace(" ", "_") + "_command"
    places = [_place(role, many=_takes_many(tool, role)) for role in roles]
    command.__signature__ = inspect.Signature([*places, *common, *options.values()])
    return command


def _fits(name: str, tool: AnyTool) -> bool:
    """Tell whether an option of all tools means something to this one."""
    if name in ("recursive", "workers"):
        return tool.streamed is not None
    if name in ("quality", "file_format", "sheet"):
        return tool.makes == "picture"
    return True


def _common(name: str, kind: Any, default: Any, names: tuple[str, ...], text: str) -> inspect.Parameter:
    note = Parameter(name=names, help=text, negative="", show_default=default not in (None, False))
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, note])


def _place(role: Role, *, many: bool) -> inspect.Parameter:
    """Return the positional argument of a role; one that is required and takes several is checked in `run_tool`."""
    kind = tuple[str, ...] if many else str if role.required else str | None
    default = () if many else inspect.Parameter.empty if role.required else None
    note = Parameter(help=role.help, negative="", show_default=False)
    name = f"{role.name}s" if role.option else role.name
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY, default=default, annotation=Annotated[kind, note])


def _all_fields(tool: AnyTool) -> list[tuple[str, dataclasses.Field[Any]]]:
    own = [(section, field) for section, field in tool.fields() if field.name not in _places(tool)]
    return own + [(section, field) for section, cls in film_sections(tool).items() for field in dataclasses.fields(cls)]


def _places(tool: AnyTool) -> set[str]:
    """Return the fields that stand on the command line without an option, and only so."""
    return {role.name for role in tool.fixed if not role.option}


def _hints(tool: AnyTool) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for cls in (*film_sections(tool).values(), *section_types(tool.config).values()):
        hints |= typing.get_type_hints(cls)
    return hints


def _own_of_films(tool: AnyTool, given: Mapping[str, Any]) -> dict[str, dataclasses.Field[Any]]:
    """Return the given options that only films have."""
    pictures = {field.name for _, field in tool.fields()}
    fields = [field for cls in film_sections(tool).values() for field in dataclasses.fields(cls)]
    return {field.name: field for field in fields if field.name in given and field.name not in pictures}


# -- running ----------------------------------------------------------------------------------------------------------


def run_tool(
    tool: AnyTool, find: Callable[[str], AnyTool], positions: Mapping[str, Any], given: Mapping[str, Any],
    common: Common,
) -> int:  # fmt: skip
    """Do what a command line asks a tool for, and return the exit code."""
    role = tool.streamed
    texts = _texts(positions.get(role.name)) if role is not None else ()
    given = dict(given) | _fixed(tool, positions, given)
    if role is not None and role.required and not texts:
        raise InputError(f"reverie {tool.name} needs {role.name}; see 'reverie {tool.name} --help'")
    if not 1 <= common.quality <= 100:
        raise InputError(f"--quality must be between 1 and 100; got {common.quality}")
    if role is None or not texts:
        return run_one(tool, find, _config(tool, find, given, common), None, common)
    if role.kind not in ("picture", "film"):
        return _files(tool, find, texts, given, common, role)
    from reverie.data.sources import find_sources

    output = None if common.output is None else as_given(common.output)
    folder = None if output in (None, STDOUT) else Path(output)
    _check_results(texts, output)
    found = find_sources(texts, recursive=common.recursive, leave_out=folder)
    if found.many or is_folder(output):
        from reverie.apps.cli.many import run_many

        films = _film_settings(tool, found, given)
        return run_many(tool, find, found, _config(tool, find, given, common), common, films)
    (source,) = found.sources
    return _source(tool, find, source, given, common, output)


def _film_settings(tool: AnyTool, found: Found, given: Mapping[str, Any]) -> dict[str, object]:
    """Return how the films of a list are made, by section.

    Raises:
        InputError: options of films, and no film.
    """
    own = _own_of_films(tool, given)
    for field in own.values():
        if field.metadata.get("moves"):
            raise InputError(f"{flag_of(field)} makes a film from one picture; here are several sources")
        if not any(source.kind == "film" for source in found.sources):
            raise InputError(f"{flag_of(field)} goes with a film; there is none in the list")
    return _sections(film_sections(tool), None, given)


def _takes_many(tool: AnyTool, role: Role) -> bool:
    """Tell whether a place takes several: the tool says so, or it is the last one and the tool goes through them."""
    return role.many or (role.streamed and role is tool.roles[-1])


def _texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if value is None else (as_given(value),) if isinstance(value, str) else tuple(map(as_given, value))


def _check_results(texts: tuple[str, ...], output: str | None) -> None:
    """Catch the habit of other programs to name the result last."""
    if output is None and len(texts) == 2 and Path(texts[0]).is_file() and not Path(texts[1]).exists():
        raise InputError(f"no file at '{texts[1]}'; did you mean -o {texts[1]}?")


def _source(
    tool: AnyTool, find: Callable[[str], AnyTool], source: Source, given: Mapping[str, Any], common: Common,
    output: str | None,
) -> int:  # fmt: skip
    from reverie.jobs.given import Given

    own, ways = _own_of_films(tool, given), _ways_to_move(tool)
    moves = bool(ways) and (_suffix(output) in MOVES or any(flag_of(field) in ways for field in own.values()))
    if tool.makes == "picture" and ((source.kind == "film" and _suffix(output) not in STILLS) or moves):
        if source.kind == "stdin":
            raise InputError("a film is made from a file; give its name instead of -")
        if common.sheet is not None or output == STDOUT:
            raise InputError("--sheet and -o - go with a picture; this makes a film")
        tool, kind = film(tool), "film"
    elif own:
        how = f", which {' or '.join(ways)} make a film of" if ways else ""
        raise InputError(f"{flag_of(next(iter(own.values())))} goes with a film; this is a picture{how}")
    else:
        kind = source.kind
    config = _config(tool, find, given, common)
    item = Given(picture=read_stdin()) if source.kind == "stdin" else Given(source.path, kind=kind)
    return run_one(tool, find, config, item, common)


def _ways_to_move(tool: AnyTool) -> list[str]:
    """Return the options that make a film of a still picture."""
    fields = [field for cls in film_sections(tool).values() for field in dataclasses.fields(cls)]
    return [flag_of(field) for field in fields if field.metadata.get("moves")]


def _suffix(output: str | None) -> str:
    return "" if output is None else Path(output).suffix.lower()


def _files(
    tool: AnyTool, find: Callable[[str], AnyTool], texts: tuple[str, ...], given: Mapping[str, Any], common: Common,
    role: Role,
) -> int:  # fmt: skip
    """Work on files and folders that are no pictures, one after the other."""
    from reverie.jobs.given import Given

    config, code = _config(tool, find, given, common), 0
    for text in texts:
        path = Path(text)
        if not path.exists():
            raise InputError(f"no {role.kind} at '{text}'")
        code = max(code, run_one(tool, find, config, Given(path, kind=role.kind), common))
    return code


def _fixed(tool: AnyTool, positions: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that stand on the command line without an option, and those of their options behind them."""
    found: dict[str, Any] = {}
    for role in tool.fixed:
        value = positions.get(role.name)
        if role.option and (value or role.name in given):
            value = (*(value or ()), *given.get(role.name, ()))
        if value not in (None, ()):
            found[role.name] = tuple(map(as_given, value)) if role.many else as_given(value)
        elif role.required:
            raise InputError(f"reverie {tool.name} needs {role.name}; see 'reverie {tool.name} --help'")
    return found


def _config(tool: AnyTool, find: Callable[[str], AnyTool], given: Mapping[str, Any], common: Common) -> object:
    """Return the settings: those of another result if it was named, and what was given on top."""
    stored = _like(tool, find, common.like) if common.like is not None else None
    config = joined(tool.config, _sections(section_types(tool.config), stored, given))
    if tool.check is not None:
        tool.check(config)
    return config


def _sections(kinds: Mapping[str, type], stored: object | None, given: Mapping[str, Any]) -> dict[str, object]:
    """Return the parts of settings by name."""
    parts: dict[str, object] = {}
    for name, cls in kinds.items():
        own = {f.name for f in dataclasses.fields(cls)}
        chosen = {key: value for key, value in given.items() if key in own}
        base: dict[str, Any] = {}
        if stored is not None and name in sections(stored):
            drop = {f.name for f in dataclasses.fields(cls) if f.metadata.get("own")}
            base = {k: v for k, v in to_record(sections(stored)[name]).items() if k not in drop}
            base = without_rivals(cls, base, chosen)
        parts[name] = parse_settings(cls, base | _lists(chosen), "the settings")
        check_together(parts[name])
    return parts


def _lists(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}


def _like(tool: AnyTool, find: Callable[[str], AnyTool], like: str) -> object:
    from reverie.jobs.replay import stored_job

    made = Path(like)
    job = stored_job(made, find)
    if job.tool not in _relatives(tool):
        raise InputError(f"'{made.name}' was made by '{job.tool}'; --like takes what reverie {tool.name} made")
    return found_config(job, Files(made))


def _relatives(tool: AnyTool) -> set[str]:
    """Return the names of a tool and of its films, whose settings go from one to the other."""
    pictures = tool.of or tool
    return {pictures.name, film(pictures).name if film_sections(pictures) else pictures.name}
