"""One job of a tool from the command line: where its result goes, whether it is there already, dry run, pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from reverie.apps.cli.afar import one_afar
from reverie.apps.cli.common_options import Common
from reverie.apps.cli.formats import is_folder, suffix_of
from reverie.apps.cli.output import print_lines, print_note, print_path
from reverie.apps.cli.pipes import STDOUT, as_given, check_stdout, write_stdout
from reverie.apps.cli.then import check_then, steps_after
from reverie.errors import InputError, unknown_name
from reverie.jobs.film import Encoded
from reverie.jobs.job import Json, sections
from reverie.jobs.tool import AnyTool
from reverie.jobs.wanted import NONE, target_for
from reverie.media.suffixes import OF_FILES
from reverie.settings import check_settings, check_together, flag_of, to_record
from reverie.weights.file_names import fitted

if TYPE_CHECKING:
    from reverie.jobs.execute import Ended
    from reverie.jobs.given import Given
    from reverie.jobs.run import Run
    from reverie.jobs.session import Session
    from reverie.jobs.target import Target


def run_one(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, given: Given | None, common: Common, *,
    there: Callable[[Path], None] | None = None, session: Session | None = None,
    decides: Mapping[str, Json] = NONE, seen: Callable[[Path], None] | None = None,
) -> int:  # fmt: skip
    """Do one job; `there` is told of a result that is there already, `seen` of one that was made; `decides`: `Part`."""
    from reverie.cluster.executors import open_executor
    from reverie.jobs.many import continue_in, scratch_of
    from reverie.jobs.session import Session

    session = session or Session()
    tool, config = _checked(tool, config, given, common)
    if _to_stdout(common, given):
        return _piped(tool, config, given, common)
    wanted = result_path(tool, config, given, common)
    quality = common.quality if tool.makes == "picture" and not tool.quality else None
    target = target_for(tool, find, config, given, wanted, quality=quality, more=decides,
                        overwrite=common.overwrite or common.resume, home=_has_home(tool, wanted))  # fmt: skip
    if common.dry_run:
        return _planned(tool, config, given, target, session)
    if target.finished:
        (there or _say_there)(target.path)
        return 0
    check_target(tool, target.path, config)
    check_then(tool, find, config)
    scratch = scratch_of(target.path, tool)
    if target.joined:
        continue_in(scratch, target.path)
    session.executor = open_executor(common.executor, find, common.workers)
    if session.executor is not None and not tool.spread_by(config):
        code = one_afar(tool, session.executor, config, given, target, common)
        if seen is not None and code == 0:
            seen(target.path)
    else:
        code = _made(tool, config, given, target, common, session, scratch, seen)
    for after, settings, place in steps_after(tool, find, config, target.path):
        code = code or run_one(after, find, settings, None, Common(output=str(place), overwrite=common.overwrite))
    return code


def _checked(tool: AnyTool, config: object, given: Given | None, common: Common) -> tuple[AnyTool, object]:
    """Return tool and settings as they count for this input, as those of a sheet if one is asked for."""
    config = tool.settled(config, given)
    if common.sheet is not None:
        tool, config = _as_sheet(tool, config, common.sheet)
    for part in sections(config).values():
        check_settings(part)
        check_together(part, has_input=given is not None)
    return tool, config


def _planned(tool: AnyTool, config: object, given: Given | None, target: Target, session: Session) -> int:
    """Print what would be done."""
    from reverie.jobs.many import scratch_of
    from reverie.jobs.run import open_run

    run = open_run(tool, config, given, session, scratch=scratch_of(target.path, tool))
    try:
        print_decisions(run, target.path)
    finally:
        run.close()
    return 0


def _made(
    tool: AnyTool, config: object, given: Given | None, target: Target, common: Common, session: Session,
    scratch: Path, seen: Callable[[Path], None] | None,
) -> int:  # fmt: skip
    """Make a result on this machine, or have others make its parts, and return the exit code."""
    from reverie.apps.cli.watch import finish, watching
    from reverie.jobs.execute import execute
    from reverie.jobs.run import open_run
    from reverie.jobs.target import check_format

    run = open_run(tool, config, given, session, scratch=scratch)
    try:
        check_format(run.work.plan, target.path)
        run.check(target.path, common.quality)
        if target.note:
            print_note(target.note)
        if common.verbose:
            print_decisions(run, target.path, sys.stderr)
        with watching(tool, show=common.show or tool.live, host=common.show_host, port=common.show_port) as watch:
            ended = execute(run, target.path, watch, quality=common.quality)
        if seen is not None and ended.end == "done":
            seen(ended.paths[0])
        if tool.prints_by(run.config) and ended.end == "done":
            ended = _printed(run, ended, as_json=common.as_json)
        return finish(ended) or (0 if tool.failed is None else tool.failed(run.outputs()[0]))
    finally:
        run.close()
        if session.executor is not None:
            session.executor.close()


def _printed(run: Run, ended: Ended, *, as_json: bool) -> Ended:
    """Print the main result beside its place, which was named: JSON for programs, else lines for people."""
    from reverie.jobs.output import Printable

    main = run.outputs()[0]
    assert isinstance(main, Printable)
    if as_json:
        print(main.printed(as_json=True))
    else:
        print_lines(main.printed(as_json=False), sys.stderr)
    return replace(ended, paths=()) if as_json else ended


def _say_there(path: Path) -> None:
    print("there already, from the same inputs and settings; --overwrite repeats it", file=sys.stderr)
    print_path(path)


def _as_sheet(tool: AnyTool, config: object, text: str) -> tuple[AnyTool, object]:
    """Return the sheet of a tool for NAME=VALUE,VALUE;NAME=VALUE,..."""
    from reverie.jobs.sheet import SheetSettings, sheet

    own = None if tool.sheet is None else tool.sheet(config, text)
    made = sheet(tool)
    vary = _varied(tool, text) if own is None else own
    parts = {**sections(config), "sheet": SheetSettings(vary=json.dumps(vary))}
    return made, made.config(**parts)


def _varied(tool: AnyTool, text: str) -> dict[str, list[Any]]:
    """Return what NAME=VALUE,VALUE;NAME=VALUE,... varies."""
    kinds = {field.name: field.name for _, field in tool.fields()}
    for _, field in tool.fields():  # as the options are called
        kinds.setdefault(flag_of(field)[2:].replace("-", "_"), field.name)
    vary: dict[str, list[Any]] = {}
    for word in text.split(";"):
        name, equals, values = word.strip().partition("=")
        name = name.replace("-", "_")
        if not equals or name not in kinds:
            raise InputError(f"--sheet: {unknown_name('setting', name, kinds)}")
        vary[kinds[name]] = [_number(value) for value in values.split(",")]
    return vary


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def result_path(tool: AnyTool, config: object, given: Given | None, common: Common) -> Path:
    """Return the name of the result: as told, or beside the input."""
    if tool.home:
        return _home(tool, config, given, common)
    if common.output is not None:
        output = as_given(common.output)
        path = Path(output)
        if not (tool.makes == "folder" or path.suffix or is_folder(output)):
            raise InputError(f"-o {output} has no format: -o {output}{tool.suffix} is a file, -o {output}/ a folder")
        if tool.makes == "folder" and path.suffix.lower() in OF_FILES and not is_folder(output):
            folder = f"-o {path.with_suffix('')}/"
            raise InputError(f"-o {output} is the name of a file; reverie {tool.name} writes a folder: {folder}")
        if tool.makes != "folder" and is_folder(output):
            if not common.dry_run:
                path.mkdir(parents=True, exist_ok=True)
            return path / f"{_stem(tool, config, given)}{suffix_for(tool, given, common)}"
        return path
    ending = f"-{tool.ending}" if tool.ending else ""
    folder = given.path.parent if given is not None and given.path is not None else Path()
    suffix = suffix_for(tool, given, common)
    place = folder / fitted(_stem(tool, config, given), f"{ending}{suffix}")
    if given is not None and place == given.path:  # a file of ours that is opened
        place = folder / fitted(_stem(tool, config, given), f"-2{suffix}")
    return place


def _home(tool: AnyTool, config: object, given: Given | None, common: Common) -> Path:
    """Return the name of a result inside a folder of its own, unless a file is named for it."""
    path = Path("runs") / _stem(tool, config, given) if common.output is None else Path(as_given(common.output))
    if path.suffix.lower() == tool.suffix:
        return path
    if path.exists() and not path.is_dir():
        raise InputError(f"'{path}' is a file; name a folder for the run with -o, or a file ending in {tool.suffix}")
    return path / tool.home


def _has_home(tool: AnyTool, path: Path) -> bool:
    return bool(tool.home) and path.name == tool.home


def _stem(tool: AnyTool, config: object, given: Given | None) -> str:
    if given is not None:
        return Path(given.name).stem
    return tool.name_of(config) if tool.name_of is not None else tool.name.replace(" ", "-")


def suffix_for(tool: AnyTool, given: Given | None, common: Common) -> str:
    """Return the suffix of a result where no name is given: as asked for, a film's own, or the tool's."""
    if common.file_format is not None and tool.makes == "mesh":
        return _mesh_suffix(Path(f"mesh.{common.file_format.lower()}"), f"--format {common.file_format}")
    if common.file_format is not None and tool.makes == "picture":
        return suffix_of(common.file_format.lower().replace("jpeg", "jpg"))
    if tool.makes == "film" and given is not None and given.path is not None:
        from reverie.media.suffixes import FILMS_OFFERED

        own = given.path.suffix.lower()
        return own if own in FILMS_OFFERED else tool.suffix
    return "" if tool.makes == "folder" else tool.suffix


def _mesh_suffix(path: Path, what: str) -> str:
    from reverie.media.mesh_write import SUFFIXES

    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{what}: no format of meshes that is written; known: {', '.join(SUFFIXES)}")
    return path.suffix.lower()


def check_target(tool: AnyTool, path: Path, config: object) -> None:
    """Check before long work that a result can be written there."""
    from reverie.media.write import check_place, check_writable

    if tool.makes == "picture" and path.suffix.lower() not in tool.formats:
        check_writable(path)
    elif tool.makes == "folder":
        if not path.parent.is_dir():
            raise InputError(f"cannot write '{path}': there is no folder '{path.parent}'; make it first")
    elif tool.makes == "network" and path.suffix.lower() != tool.suffix:
        raise InputError(f"cannot write '{path}': a network of reverie {tool.name} is a {tool.suffix} file")
    elif not (_has_home(tool, path) and not path.parent.exists()):  # else its folder is made when the work begins
        if tool.makes == "mesh":
            _mesh_suffix(path, f"cannot write '{path}'")
        check_place(path)
    for part in sections(config).values() if tool.makes == "film" else ():
        if isinstance(part, Encoded):
            from reverie.media.footage import check_target as check_film

            check_film(path, part.encoding())


def _to_stdout(common: Common, given: Given | None) -> bool:
    if common.output is not None:
        return as_given(common.output) == STDOUT
    return given is not None and given.path is None


def _piped(tool: AnyTool, config: object, given: Given | None, common: Common) -> int:
    from reverie.apps.cli.watch import watching
    from reverie.jobs.execute import execute
    from reverie.jobs.run import open_run
    from reverie.jobs.session import Session

    check_stdout()
    run = open_run(tool, config, given, Session())
    try:
        if common.dry_run:
            print_decisions(run, None)
            return 0
        with watching(tool) as watch:
            ended = execute(run, None, watch)
        if ended.end != "done":
            print_note(f"reverie: stopped{ended.text}")
            return 130 if ended.end == "interrupted" else 0
        write_stdout(run.encoded(suffix_for(tool, None, common), quality=common.quality))
        print_note(ended.text)
        return 0
    finally:
        run.close()


def print_decisions(run: Run, target: Path | None, where: TextIO | None = None) -> None:
    """Print what ``--dry-run`` prints, on standard output if nothing else is said."""
    work, notes = run.work, [*run.said]
    about: dict[str, object] = {"tool": run.tool.name, "output": STDOUT if target is None else str(target)}
    about |= dict(work.plan.decisions)
    if work.chosen.model is not None:
        about |= {"model": work.chosen.model.name, "device": work.chosen.device}
    about |= {name: to_record(part) for name, part in sections(run.config).items()} | {"notes": notes}
    print(json.dumps(about, indent=2, ensure_ascii=False), file=where or sys.stdout)
