"""One command with several results: each is a job, made where it is not there yet, and a sheet shows them all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from reverie.apps.cli.common_options import Common
from reverie.apps.cli.one import run_one
from reverie.apps.cli.outcomes import Outcomes
from reverie.apps.cli.pipes import STDOUT, as_given
from reverie.errors import InputError, OutputError
from reverie.jobs.parts import Part, Parts
from reverie.jobs.session import Session
from reverie.jobs.tool import AnyTool, Tool

C = TypeVar("C")


def run_parts(tool: Tool[C], find: Callable[[str], AnyTool], config: C, common: Common) -> int:
    """Make all results that settings ask for: one file, a sheet in one file, or a folder; return the exit code."""
    assert tool.several is not None
    session = Session()
    config = tool.settled(config, None)
    parts = tool.several(config, session)
    output = None if common.output is None else as_given(common.output)
    if output == STDOUT or (output is not None and _is_file(output)) or (output is None and len(parts.each) == 1):
        part = parts.sheet or parts.each[0]
        alone = output or f"{parts.stem}-{Path(part.name).stem}{_suffix(common, part)}"
        return _run(tool, find, part, replace(common, output=alone), session)
    folder = Path(output or f"{parts.stem}-{tool.makes}s")
    if common.show:
        raise InputError("--show follows one work; ask for one picture, or for a sheet with -o NAME.jpg")
    if common.dry_run:
        about: dict[str, object] = {"tool": tool.name, "output": str(folder), "results": [p.name for p in _all(parts)]}
        print(json.dumps(about, indent=2, ensure_ascii=False))
        return 0
    return _fill(tool, find, parts, folder, common, session)


def _fill(
    tool: Tool[C], find: Callable[[str], AnyTool], parts: Parts[C], folder: Path, common: Common, session: Session
) -> int:  # fmt: skip
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"cannot write to '{folder}': it is a file; expected a folder, or a name that ends in .png")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder '{folder}': {error.strerror or error}") from error
    outcomes = Outcomes()
    for part in _all(parts):
        name = part.name if part is parts.sheet else f"{Path(part.name).stem}{_suffix(common, part)}"
        here = replace(common, output=str(folder / name))
        code = _run(tool, find, part, here, session, there=lambda path, part=part: _seen(part, path, outcomes))
        if code != 0:
            return code
    if outcomes.skipped:
        outcomes.made = len(_all(parts)) - outcomes.skipped
        outcomes.list_summary()
    return 0


def _run(
    tool: Tool[C], find: Callable[[str], AnyTool], part: Part[C], common: Common, session: Session,
    there: Callable[[Path], None] | None = None,
) -> int:  # fmt: skip
    made = tool if part.tool is None else find(part.tool)
    return run_one(made, find, part.config, None, common, session=session, decides=part.decides, there=there,
                   seen=part.seen)  # fmt: skip


def _seen(part: Part[object], path: Path, outcomes: Outcomes) -> None:
    part.seen(path)
    outcomes.skip(path)


def _all(parts: Parts[C]) -> list[Part[C]]:
    return [*parts.each, *([] if parts.sheet is None else [parts.sheet])]


def _is_file(output: str) -> bool:
    from reverie.media.write import ENCODERS

    return Path(output).suffix.lower() in ENCODERS and not Path(output).is_dir()


def _suffix(common: Common, part: Part[object]) -> str:
    from reverie.apps.cli.formats import suffix_of

    return Path(part.name).suffix if common.file_format is None else suffix_of(common.file_format)
