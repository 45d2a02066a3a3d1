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
from reverie.jobs.job import joined, section_types, sections
from reverie.jobs.tool import AnyTool, Role
from reverie.settings import check_together, parse_settings, to_record, without_rivals

if TYPE_CHECKING:
    from reverie.data.sources import Found, Source
    from reverie.jobs.film import FilmSettings

STILLS = (".png", ".jpg", ".jpeg", ".avif", ".tif", ".tiff")


def command_for(tool: AnyTool, find: Callable[[str], AnyTool]) -> Callable[..., int]:
    """Return the command of a tool: a function whose signature cyclopts reads."""
    roles = tool.roles
    common = [_common(*item) for item in COMMON if _fits(item[0], tool)]
    taken = {parameter.name for parameter in common} | {role.name for role in roles}
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
    return inspect.Parameter(
        role.name, inspect.Parameter.POSITIONAL_ONLY, default=default, annotation=Annotated[kind, note]
    )


def _all_fields(tool: AnyTool) -> list[tuple[str, dataclasses.Field[Any]]]:
    from reverie.jobs.film import FilmSettings

    own = [(section, field) for section, field in tool.fields() if field.name not in {r.name for r in tool.fixed}]
    films = tool.streamed is not None and tool.streamed.kind == "picture" and tool.makes == "picture"
    return own + [("film", field) for field in dataclasses.fields(FilmSettings)] if films else own


def _hints(tool: AnyTool) -> dict[str, Any]:
    from reverie.jobs.film import FilmSettings

    hints: dict[str, Any] = dict(typing.get_type_hints(FilmSettings))
    for cls in section_types(tool.config).values():
        hints |= typing.get_type_hints(cls)
    return hints


# -- running ----------------------------------------------------------------------------------------------------------


def run_tool(
    tool: AnyTool, find: Callable[[str], AnyTool], positions: Mapping[str, Any], given: Mapping[str, Any],
    common: Common,
) -> int:  # fmt: skip
    """Do what a command line asks a tool for, and return the exit code."""
    role = tool.streamed
    texts = _texts(positions.get(role.name)) if role is not None else ()
    given = dict(given) | _fixed(tool, positions)
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

        return run_many(tool, find, found, _config(tool, find, given, common), common, _film_settings(found, given))
    (source,) = found.sources
    return _source(tool, find, source, given, common, output)


def _film_settings(found: Found, given: Mapping[str, Any]) -> FilmSettings:
    """Return how the films of a list are encoded.

    Raises:
        InputError: options of films, and no film.
    """
    from reverie.jobs.film import FilmSettings

    own = {f.name: given[f.name] for f in dataclasses.fields(FilmSettings) if f.name in given}
    if own and not any(source.kind == "film" for source in found.sources):
        raise InputError(f"--{next(iter(own)).replace('_', '-')} goes with a film; there is none in the list")
    return parse_settings(FilmSettings, own, "the settings")


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

    if source.kind == "film" and tool.makes == "picture" and not _still(output):
        from reverie.jobs.film import film

        tool = film(tool)
    elif tool.makes == "picture":
        from reverie.jobs.film import FilmSettings

        wrong = next((f.name for f in dataclasses.fields(FilmSettings) if f.name in given), None)
        if wrong is not None and wrong not in {field.name for _, field in tool.fields()}:
            raise InputError(f"--{wrong.replace('_', '-')} goes with a film; '{source.name}' is a picture")
    config = _config(tool, find, given, common)
    item = Given(picture=read_stdin()) if source.kind == "stdin" else Given(source.path, kind=source.kind)
    return run_one(tool, find, config, item, common)


def _still(output: str | None) -> bool:
    return output is not None and Path(output).suffix.lower() in STILLS


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


def _fixed(tool: AnyTool, positions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that stand on the command line without an option."""
    found: dict[str, Any] = {}
    for role in tool.fixed:
        value = positions.get(role.name)
        if value not in (None, ()):
            found[role.name] = tuple(map(as_given, value)) if role.many else as_given(value)
        elif role.required:
            raise InputError(f"reverie {tool.name} needs {role.name}; see 'reverie {tool.name} --help'")
    return found


def _config(tool: AnyTool, find: Callable[[str], AnyTool], given: Mapping[str, Any], common: Common) -> object:
    """Return the settings: those of another result if it was named, and what was given on top."""
    stored = _like(tool, find, common.like) if common.like is not None else None
    parts: dict[str, object] = {}
    for name, cls in section_types(tool.config).items():
        own = {f.name for f in dataclasses.fields(cls)}
        chosen = {key: value for key, value in given.items() if key in own}
        base: dict[str, Any] = {}
        if stored is not None and name in sections(stored):
            drop = {f.name for f in dataclasses.fields(cls) if f.metadata.get("own")}
            base = {k: v for k, v in to_record(sections(stored)[name]).items() if k not in drop}
            base = without_rivals(cls, base, chosen)
        parts[name] = parse_settings(cls, base | _lists(chosen), "the settings")
        check_together(parts[name])
    config = joined(tool.config, parts)
    if tool.check is not None:
        tool.check(config)
    return config


def _lists(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}


def _like(tool: AnyTool, find: Callable[[str], AnyTool], like: str) -> object:
    from reverie.jobs.replay import stored_job

    made = Path(like)
    job = stored_job(made, find)
    if job.tool.removeprefix("film(").rstrip(")") != tool.name.removeprefix("film(").rstrip(")"):
        raise InputError(f"'{made.name}' was made by '{job.tool}'; --like takes what reverie {tool.name} made")
    return found_config(job, Files(made))
