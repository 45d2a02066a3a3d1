"""A tool with many inputs: what is still to do, who does it, and what the user sees."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.apps.cli.one import run_one, suffix_for, wanted_job
from reverie.apps.cli.pipes import as_given
from reverie.apps.cli.tally import Tally
from reverie.data.sources import Found, Source
from reverie.data.targets import output_folder, plan_targets, remove_leftovers
from reverie.errors import OutputError, ReverieError
from reverie.jobs.batch import Job as Item
from reverie.jobs.batch import Moment, run_jobs
from reverie.jobs.cores import Shares, share_out
from reverie.jobs.files import named_files
from reverie.jobs.film import FilmSettings, film
from reverie.jobs.given import Given
from reverie.jobs.job import parse, sections
from reverie.jobs.many import Asked, Opener
from reverie.jobs.run import seed_of
from reverie.jobs.target import choose_target
from reverie.jobs.tool import AnyTool
from reverie.media.source import pixels_of
from reverie.media.write import check_writable

if TYPE_CHECKING:
    from reverie.apps.cli.common_options import Common


def run_many(
    tool: AnyTool, find: Callable[[str], AnyTool], found: Found, config: object, common: Common, how: FilmSettings
) -> int:
    """Work through all inputs, list what failed, and return the exit code: 0, 2 for bad input, 1 otherwise."""
    output = None if common.output is None else as_given(common.output)
    folder = output_folder(found.sources, output)
    pictures = [source for source in found.sources if source.kind == "picture"]
    films = [source for source in found.sources if source.kind == "film"]
    pairs = plan_targets(pictures, folder, suffix_for(tool, None, common), tool.ending)
    began, tally = time.monotonic(), Tally(quiet=common.dry_run)
    shares = share_out(common.workers)
    notes = list(found.notes)
    items = _to_do(tool, find, pairs, config, common, tally, notes)
    if common.dry_run:
        print(json.dumps(_decisions(items, shares, tally, notes), indent=2, ensure_ascii=False))
        return tally.exit_code
    for note in notes:
        print(note, file=sys.stderr)
    _prepare_folders(items)
    try:
        _follow(tool, find, items, config, shares, tally)
        for one in films:
            _film(tool, find, one, config, common, folder, tally, how)
    except KeyboardInterrupt:
        print(f"reverie: stopped by Ctrl-C; {tally.summary()}; the same command goes on from here", file=sys.stderr)
        return 130
    tally.list_notes()
    tally.list_failures()
    print(f"{tally.summary()} in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return tally.exit_code


def _to_do(
    tool: AnyTool, find: Callable[[str], AnyTool], pairs: Sequence[tuple[Source, Path]], config: object,
    common: Common, tally: Tally, notes: list[str],
) -> list[Item]:  # fmt: skip
    """Return what is not there yet, the largest first, so that no worker is left alone with one at the end."""
    results = {target.resolve() for _, target in pairs}
    own = [pair for pair in pairs if pair[0].path.resolve() not in results]
    if len(own) < len(pairs):
        notes.append(f"{len(pairs) - len(own)} results of other pictures in the list were left out")
    fixed, items = [Path(text) for _, _, text in named_files(config)], []
    for source, wanted in own:
        try:
            given = Given(source.path, kind=source.kind)
            job = wanted_job(tool, config, given, common.quality)
            target = choose_target(
                wanted, job, lambda data, what: parse(data, find, what), sources=[*fixed, source.path],
                overwrite=common.overwrite,
            )  # fmt: skip
        except ReverieError as error:
            tally.fail(source.name, str(error), error.exit_code)
            continue
        if target.finished:
            tally.skip(target.path)
            continue
        notes += [target.note] if target.note else []
        asked = Asked(seed_of(config), common.quality, source.kind, pixels_of(source.path))
        items.append(Item(source.name, source.path, target.path, asked))
    return sorted(items, key=lambda item: -item.payload.pixels)


def _prepare_folders(items: Sequence[Item]) -> None:
    for target in {item.target.parent: item.target for item in items}.values():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder '{target.parent}': {error.strerror or error}") from error
        check_writable(target)
    remove_leftovers([item.target for item in items])


def _follow(
    tool: AnyTool, find: Callable[[str], AnyTool], items: Sequence[Item], config: object, shares: Shares, tally: Tally
) -> None:
    from reverie.apps.cli.progress import bar

    if not items:
        return
    workers = min(shares.workers, len(items))
    opener = Opener(find, tool.name, config, shares.threads)
    under_way: dict[int, float] = {}
    before, began = tally.settled, time.monotonic()
    events = run_jobs(items, [opener] * workers, here=workers == 1)
    with bar(tool.doing) as line, closing(events):
        for event in events:
            if isinstance(event, Moment):
                under_way[id(event.job)] = event.share
            else:
                under_way.pop(id(event.job), None)
                tally.count(event)
            done = tally.settled - before
            share = min((done + sum(under_way.values())) / len(items), 1.0)
            eta = (time.monotonic() - began) * (1 - share) / share if share else None
            line.update(share, f"{done} of {len(items)} pictures", eta)


def _film(
    tool: AnyTool, find: Callable[[str], AnyTool], source: Source, config: object, common: Common,
    folder: Path | None, tally: Tally, how: FilmSettings,
) -> None:  # fmt: skip
    """Work on a film of a list; the films of a list come after its pictures, one by one."""
    made = film(tool)
    filmed = made.config(**{**sections(config), "film": how})
    here = replace(common, output=None if folder is None else f"{folder}/")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        code = run_one(made, find, filmed, Given(source.path, kind="film"), here)
    except ReverieError as error:
        tally.fail(source.name, str(error), error.exit_code)
        return
    if code == 130:
        raise KeyboardInterrupt
    tally.made += 1


def _decisions(items: Sequence[Item], shares: Shares, tally: Tally, notes: Sequence[str]) -> dict[str, object]:
    return {
        "workers": shares.workers, "threads": shares.threads, "finished": tally.skipped, "notes": list(notes),
        "refused": [{"source": name, "why": message} for name, message, _ in sorted(tally.failures)],
        "jobs": [{"source": str(i.source), "output": str(i.target)} for i in sorted(items, key=lambda i: i.name)],
    }  # fmt: skip
