"""Results that are read in the terminal: a table on standard output, and files only where they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.apps.cli.common_options import Common
from reverie.apps.cli.one import print_decisions
from reverie.apps.cli.output import print_lines, print_note, print_path
from reverie.errors import InputError
from reverie.jobs.tool import AnyTool
from reverie.jobs.wanted import target_for

if TYPE_CHECKING:
    from reverie.jobs.given import Given
    from reverie.jobs.target import Target


def print_one(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, given: Given | None, common: Common
) -> int:  # fmt: skip
    """Do one job, print its main result, and write what else was asked for; return the exit code."""
    from reverie.apps.cli.watch import CODES, watching
    from reverie.jobs.execute import execute
    from reverie.jobs.output import Printable
    from reverie.jobs.run import open_run
    from reverie.jobs.session import Session

    if common.executor != "local":
        print_note("made on this machine: what is read here is not sent out; with -o it is")
    targets = {label: extra_target(tool, find, config, given, common, name) for label, name in common.extras.items()}
    run = open_run(tool, config, given, Session())
    try:
        if common.dry_run:
            print_decisions(run, None)
            return 0
        with watching(tool) as watch:
            ended = execute(run, None, watch, quality=common.quality)
        if ended.end != "done":
            print_note(f"reverie: stopped{ended.text}")
            return CODES[ended.end]
        results = run.outputs()
        assert isinstance(results[0], Printable)
        text = results[0].printed(as_json=common.as_json)
        if text:
            print(text) if common.as_json else print_lines(text)
        for label, target in targets.items():
            output = next(result for result in results if result.label == label)
            if not target.finished:
                output.write(target.path, run.record(), common.quality)
            print_note(str(target.path)) if common.as_json else print_path(target.path)
        return 0 if tool.failed is None else tool.failed(results[0])
    finally:
        run.close()


def extra_target(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, given: Given | None, common: Common, name: str
) -> Target:  # fmt: skip
    """Return where a result goes that an option names, checked before any work."""
    from reverie.media.write import check_writable

    path = Path(name)
    if path.is_dir():
        raise InputError(f"cannot write '{path}': it is a folder; expected a file name in it")
    target = target_for(tool, find, tool.settled(config, given), given, path, overwrite=common.overwrite)
    check_writable(target.path)
    if target.note:
        print_note(target.note)
    return target
