"""`reverie replay` for results of the registry's tools."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from reverie.apps.cli.formats import is_folder
from reverie.apps.cli.output import print_path
from reverie.tools.registry import find_tool
from reverie.weights.file_names import fitted


def replay_tool(made: Path, output: str | None, named: Mapping[str, str | None], folders: tuple[str, ...]) -> int:
    """Make a result again from the job inside it, and say whether the bytes are the same.

    Args:
        made: the result.
        output: where the new one goes; NAME-replay beside the old one if absent.
        named: role → a file that the user gave for it.
        folders: to look for files in.
    """
    from reverie.apps.cli.one import check_target
    from reverie.apps.cli.watch import finish, watching
    from reverie.jobs.execute import execute
    from reverie.jobs.files import Files
    from reverie.jobs.many import scratch_of
    from reverie.jobs.replay import replayed, stored_job, threads_of, verdict
    from reverie.jobs.session import Session
    from reverie.jobs.target import choose_target

    job = stored_job(made, find_tool)
    tool = find_tool(job.tool)
    target = choose_target(_wanted(made, output, tool.makes), job, _parsed, sources=[made])
    if target.finished:
        return _there(target.path)
    check_target(tool, target.path, job.config)
    files = Files(
        made, [Path(folder) for folder in folders], {role: Path(path) for role, path in named.items() if path}
    )
    with threads_of(job):
        run = replayed(made, job, find_tool, Session(), files=files, scratch=scratch_of(target.path, tool))
        try:
            with watching(tool) as watch:
                ended = execute(run, target.path, watch, quality=job.quality or 92, kept=target.path)
        finally:
            run.close()
        if (code := finish(ended)) == 0 and ended.paths:
            print(verdict(job, made, ended.paths[0]), file=sys.stderr)
    return code


def _wanted(made: Path, output: str | None, makes: str) -> Path:
    """Return the name that was asked for; NAME-replay beside the old one if none was."""
    if not output:
        return made.with_name(fitted(made.stem, f"-replay{made.suffix}"))
    if not is_folder(output) or makes == "folder":
        return Path(output)
    Path(output).mkdir(parents=True, exist_ok=True)
    return Path(output) / made.name


def _there(path: Path) -> int:
    print("there already, made by the same job", file=sys.stderr)
    print_path(path)
    return 0


def _parsed(data: object, what: str):
    from reverie.jobs.job import parse

    return parse(data, find_tool, what)
