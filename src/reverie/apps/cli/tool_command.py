"""Commands made from tools: arguments, options, help, dry run, skipping, progress, Ctrl-C, folders, films, pipes.

A tool says what it needs (`reverie.jobs.tool.Tool`); everything here is the same for all of them.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.batch_options import is_folder, suffix_of
from reverie.apps.cli.options import option_of
from reverie.apps.cli.pipes import STDOUT, as_given, check_stdout, read_stdin, write_stdout
from reverie.errors import InputError
from reverie.jobs.files import Files, found_config, named_files, recorded_files, without_folders
from reverie.jobs.job import Job, joined, parse, section_types, sections
from reverie.jobs.tool import AnyTool, Role
from reverie.settings import check_settings, check_together, parse_settings, to_record, without_rivals

if TYPE_CHECKING:
    from reverie.data.sources import Source
    from reverie.jobs.given import Given

STILLS = (".png", ".jpg", ".jpeg", ".avif", ".tif", ".tiff")


@dataclass(frozen=True)
class Common:
    """Options of every tool, apart from its settings."""

    output: str | None = None
    like: str | None = None
    quality: int = 92
    file_format: str | None = None
    recursive: bool = False
    overwrite: bool = False
    workers: str = "auto"
    sheet: str | None = None
    dry_run: bool = False
    show: bool = False
    show_port: int = 0


COMMON = (
    ("output", str | None, None, ("--output", "-o"), "File to write, or a folder (ending in /) for several results."),
    ("like", str | None, None, ("--like",), "Take the settings out of a result that Reverie made; options given win."),
    ("quality", int, 92, ("--quality",), "Quality of JPEG, WebP and AVIF, 1 to 100."),
    ("file_format", str | None, None, ("--format",), "Format of results where -o names no file, such as jpg."),
    ("recursive", bool, False, ("--recursive",), "Take the subfolders of a folder along, and mirror them."),
    ("overwrite", bool, False, ("--overwrite",), "Replace results that are there already."),
    ("workers", str, "auto", ("--workers",), "Processes that share many inputs; auto: one per core, as memory allows."),
    ("sheet", str | None, None, ("--sheet",), "One contact sheet of values instead, such as strength=0.3,0.5."),
    ("dry_run", bool, False, ("--dry-run",), "Print all decisions and stop."),
    ("show", bool, False, ("--show",), "Follow the work on a page in a browser."),
    ("show_port", int, 0, ("--show-port",), "Port of that page; 0 for a free one."),
)  # fmt: skip


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
        return _one(tool, find, _config(tool, find, given, common), None, common)
    if role.kind not in ("picture", "film"):
        return _files(tool, find, texts, given, common, role)
    from reverie.data.sources import find_sources

    output = None if common.output is None else as_given(common.output)
    folder = None if output in (None, STDOUT) else Path(output)
    _check_results(texts, output)
    found = find_sources(texts, recursive=common.recursive, leave_out=folder)
    if found.many or is_folder(output):
        from reverie.apps.cli.many import run_many

        return run_many(tool, find, found, _config(tool, find, given, common), common)
    (source,) = found.sources
    return _source(tool, find, source, given, common, output)


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

        tool = film(tool) if tool.film is None else find(tool.film)
    elif tool.makes == "picture":
        from reverie.jobs.film import FilmSettings

        wrong = next((f.name for f in dataclasses.fields(FilmSettings) if f.name in given), None)
        if wrong is not None and wrong not in {field.name for _, field in tool.fields()}:
            raise InputError(f"--{wrong.replace('_', '-')} goes with a film; '{source.name}' is a picture")
    config = _config(tool, find, given, common)
    item = Given(picture=read_stdin()) if source.kind == "stdin" else Given(source.path, kind=source.kind)
    return _one(tool, find, config, item, common)


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
        code = max(code, _one(tool, find, config, Given(path, kind=role.kind), common))
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


def _one(tool: AnyTool, find: Callable[[str], AnyTool], config: object, given: Given | None, common: Common) -> int:
    """Do one job, to a file or to standard output."""
    from reverie.apps.cli.watch import finish, watching
    from reverie.jobs.run import execute, open_run
    from reverie.jobs.session import Session
    from reverie.jobs.target import choose_target

    if common.sheet is not None:
        tool, config = _as_sheet(tool, config, common.sheet)
    for part in sections(config).values():
        check_settings(part)
        check_together(part, has_input=given is not None)
    if _to_stdout(common, given):
        return _piped(tool, config, given, common)
    wanted = result_path(tool, config, given, common)
    sources = [Path(text) for _, _, text in named_files(config)] + ([given.path] if given and given.path else [])
    job = wanted_job(tool, config, given, common.quality if tool.makes == "picture" else None)
    target = choose_target(wanted, job, lambda data, what: parse(data, find, what), sources=sources,
                           overwrite=common.overwrite)  # fmt: skip
    if target.finished and not common.dry_run:
        print("there already, from the same inputs and settings; --overwrite repeats it", file=sys.stderr)
        print(target.path)
        return 0
    if not common.dry_run:
        check_target(tool, target.path)
    from reverie.jobs.many import scratch_of

    run = open_run(tool, config, given, Session(), scratch=scratch_of(target.path))
    try:
        if common.dry_run:
            print(json.dumps(decisions(run, target.path), indent=2, ensure_ascii=False))
            return 0
        if target.note:
            print(target.note, file=sys.stderr)
        with watching(tool, show=common.show, port=common.show_port) as watch:
            ended = execute(run, target.path, watch, quality=common.quality)
        return finish(ended)
    finally:
        run.close()


def _as_sheet(tool: AnyTool, config: object, text: str) -> tuple[AnyTool, object]:
    """Return the sheet of a tool for NAME=VALUE,VALUE;NAME=VALUE,..."""
    from reverie.jobs.sheet import SheetSettings, sheet

    kinds = {field.name: field for _, field in tool.fields()}
    vary: dict[str, list[Any]] = {}
    for word in text.split(";"):
        name, equals, values = word.strip().partition("=")
        name = name.replace("-", "_")
        if not equals or name not in kinds:
            from reverie.errors import unknown_name

            raise InputError(f"--sheet: {unknown_name('setting', name, kinds)}")
        vary[name] = [_number(value) for value in values.split(",")]
    made = sheet(tool)
    parts = {**sections(config), "sheet": SheetSettings(vary=json.dumps(vary))}
    return made, made.config(**parts)


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def wanted_job(tool: AnyTool, config: object, given: Given | None, quality: int | None) -> Job:
    """Return the job that a result would carry, as far as it is known before anything is opened."""
    from reverie.jobs.job import Input

    streamed = None if given is None else Input(given.name, given.sha256)
    return Job(tool.name, without_folders(config), streamed, files=recorded_files(config), quality=quality)


def result_path(tool: AnyTool, config: object, given: Given | None, common: Common) -> Path:
    """Return the name of the result: as told, or beside the input."""
    if common.output is not None:
        output = as_given(common.output)
        path = Path(output)
        if not (tool.makes == "folder" or path.suffix or is_folder(output)):
            raise InputError(f"-o {output} has no format: add {tool.suffix}, or end it with / for a folder")
        if tool.makes != "folder" and is_folder(output):
            path.mkdir(parents=True, exist_ok=True)
            return path / f"{_stem(tool, config, given)}{_suffix(tool, given, common)}"
        return path
    stem = f"{_stem(tool, config, given)}-{tool.ending}" if tool.ending else _stem(tool, config, given)
    folder = given.path.parent if given is not None and given.path is not None else Path()
    return folder / f"{stem}{_suffix(tool, given, common)}"


def _stem(tool: AnyTool, config: object, given: Given | None) -> str:
    if given is not None:
        return Path(given.name).stem
    return tool.name_of(config) if tool.name_of is not None else tool.name.replace(" ", "-")


def _suffix(tool: AnyTool, given: Given | None, common: Common) -> str:
    if common.file_format is not None and tool.makes == "picture":
        return suffix_of(common.file_format.lower().replace("jpeg", "jpg"))
    if tool.makes == "film" and given is not None and given.path is not None:
        from reverie.data.sources import FILM_TARGETS

        own = given.path.suffix.lower()
        return own if own in FILM_TARGETS else tool.suffix
    return "" if tool.makes == "folder" else tool.suffix


def check_target(tool: AnyTool, path: Path) -> None:
    """Check before long work that a result can be written there."""
    from reverie.media.write import check_place, check_writable

    if tool.makes == "picture":
        check_writable(path)
    elif tool.makes == "folder":
        if not path.parent.is_dir():
            raise InputError(f"cannot write '{path}': there is no folder '{path.parent}'; make it first")
    else:
        check_place(path)


def _to_stdout(common: Common, given: Given | None) -> bool:
    if common.output is not None:
        return as_given(common.output) == STDOUT
    return given is not None and given.path is None


def _piped(tool: AnyTool, config: object, given: Given | None, common: Common) -> int:
    from reverie.apps.cli.watch import watching
    from reverie.jobs.run import execute, open_run
    from reverie.jobs.session import Session

    check_stdout()
    run = open_run(tool, config, given, Session())
    try:
        if common.dry_run:
            print(json.dumps(decisions(run, None), indent=2, ensure_ascii=False))
            return 0
        with watching(tool) as watch:
            ended = execute(run, None, watch)
        if ended.end != "done":
            print(f"reverie: stopped{ended.text}", file=sys.stderr)
            return 130 if ended.end == "interrupted" else 0
        write_stdout(run.encoded(_suffix(tool, None, common), quality=common.quality))
        return 0
    finally:
        run.close()


def decisions(run: Any, target: Path | None) -> dict[str, Any]:
    """Return what ``--dry-run`` prints."""
    work, notes = run.work, [*run.notes, *run.work.notes]
    about: dict[str, Any] = {"tool": run.tool.name, "output": STDOUT if target is None else str(target)}
    about |= dict(work.plan.decisions)
    if work.chosen.model is not None:
        about |= {"model": work.chosen.model.name, "device": work.chosen.device}
    return about | {name: to_record(part) for name, part in sections(run.config).items()} | {"notes": notes}
