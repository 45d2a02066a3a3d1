"""Results that are read in the terminal: a table on standard output, and files only where they are asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.apps.cli.common_options import Common
from reverie.apps.cli.one import decisions
from reverie.errors import InputError
from reverie.jobs.job import parse
from reverie.jobs.tool import AnyTool
from reverie.jobs.wanted import wanted_job

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

    config = tool.settled(config, given)
    targets = {label: extra_target(tool, find, config, given, common, name) for label, name in common.extras.items()}
    run = open_run(tool, config, given, Session())
    try:
        if common.dry_run:
            print(json.dumps(decisions(run, None), indent=2, ensure_ascii=False))
            return 0
        with watching(tool) as watch:
            ended = execute(run, None, watch, quality=common.quality)
        if ended.end != "done":
            print(f"reverie: stopped{ended.text}", file=sys.stderr)
            return CODES[ended.end]
        results = run.outputs()
        assert isinstance(results[0], Printable)
        text = results[0].printed(as_json=common.as_json)
        if text:
            print(text)
        for label, target in targets.items():
            output = next(result for result in results if result.label == label)
            if not target.finished:
                output.write(target.path, run.record(), common.quality)
            print(target.path, file=sys.stderr if common.as_json else sys.stdout)
        return 0 if tool.failed is None else tool.failed(results[0])
    finally:
        run.close()


def extra_target(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, given: Given | None, common: Common, name: str
) -> Target:  # fmt: skip
    """Return where a result goes that an option names, checked before any work."""
    from reverie.jobs.files import named_files
    from reverie.jobs.target import choose_target
    from reverie.media.write import check_writable

    path = Path(name)
    if path.is_dir():
        raise InputError(f"cannot write '{path}': it is a folder; expected a file name in it")
    sources = [Path(text) for _, text in named_files(config)] + ([given.path] if given and given.path else [])
    target = choose_target(
        path, wanted_job(tool, config, given, None), lambda data, what: parse(data, find, what), sources=sources,
        overwrite=common.overwrite,
    )  # fmt: skip
    check_writable(target.path)
    if target.note:
        print(target.note, file=sys.stderr)
    return target
