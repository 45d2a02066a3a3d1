"""A tool on files of an object store: `reverie TOOL s3://bucket/pictures/ -o s3://bucket/results/`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from reverie.apps.cli.afar import opener_of
from reverie.apps.cli.one import suffix_for
from reverie.apps.cli.outcomes import Outcomes
from reverie.apps.cli.tool_config import films_of, settings_of
from reverie.cluster.executors import open_executor
from reverie.cluster.remote_files import THERE, Remote, RemoteOpener
from reverie.cluster.storage import is_url, listed
from reverie.errors import InputError
from reverie.jobs.batch import Item, Moment, run_jobs
from reverie.jobs.cores import share_out
from reverie.jobs.many import Asked, Opener
from reverie.jobs.tool import AnyTool
from reverie.jobs.values import seed_of
from reverie.media.suffixes import FILMS_OFFERED, MESHES, PICTURES, VIDEOS

if TYPE_CHECKING:
    from reverie.apps.cli.common_options import Common


def run_urls(
    tool: AnyTool, find: Callable[[str], AnyTool], texts: Sequence[str], given: Mapping[str, object], common: Common
) -> int:
    """Work through files at URLs, and return the exit code.

    Raises:
        InputError: paths among the URLs, no -o, or a store that does not answer.
    """
    output = common.output
    if output is None or not is_url(output) or not all(map(is_url, texts)):
        raise InputError("inputs at URLs need a folder at one for their results, such as -o s3://bucket/results/")
    films, outcomes, began = films_of(tool), Outcomes(), time.monotonic()
    kinds = MESHES if tool.streamed and tool.streamed.kind == "mesh" else (*PICTURES, *(VIDEOS if films else ()))
    found = [pair for text in texts for pair in listed(text, kinds, recursive=common.recursive)]
    if common.dry_run:
        print(json.dumps({"executor": common.executor, "inputs": [url for url, _ in found]}, indent=2))
        return 0
    moving = [pair for pair in found if pair[1].lower().endswith(VIDEOS)]
    for worker, pairs in ((tool, [pair for pair in found if pair not in moving]), (films, moving)):
        if pairs and worker is not None:
            config = settings_of(worker, find, given, common, tool)
            _work(worker, find, config, _items(worker, config, pairs, common), common, outcomes)
    outcomes.list_notes()
    outcomes.list_failures()
    print(f"{outcomes.summary()} in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return outcomes.exit_code


def _items(tool: AnyTool, config: object, pairs: Sequence[tuple[str, str]], common: Common) -> list[Item[Remote]]:
    folder = (common.output or "").rstrip("/")
    kind = tool.streamed.kind if tool.streamed else ""
    items: list[Item[Remote]] = []
    for url, name in pairs:
        below = PurePosixPath(name)
        own = below.suffix.lower() if tool.makes == "film" and below.suffix.lower() in FILMS_OFFERED else None
        target = f"{folder}/{below.with_suffix(own or suffix_for(tool, None, common))}"
        asked = Asked(seed_of(config), common.quality, kind)
        remote = Remote(url, target, asked, common.overwrite)
        items.append(Item(name, None, Path(target), remote, alone=tool.makes == "film"))
    names = [str(item.target) for item in items]
    for item in items:
        if names.count(str(item.target)) > 1:
            raise InputError(f"two inputs would both become '{item.payload.target}'; give their folders one by one")
    return items


def _work(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, items: list[Item[Remote]], common: Common,
    outcomes: Outcomes,
) -> None:  # fmt: skip
    from reverie.apps.cli.progress import bar

    executor = open_executor(common.executor, find, common.workers)
    if executor is not None:
        events = executor.run(items, RemoteOpener(opener_of(tool, executor, config)))
    else:
        shares = share_out(common.workers)
        opener = RemoteOpener(Opener(find, tool.name, config, shares.threads, shares.worker_bytes))
        events = run_jobs(items, [opener] * shares.workers, here=shares.workers == 1)
    under_way: dict[str, float] = {}
    with bar(tool.doing) as line, closing(events) as found:
        done = 0
        for event in found:
            if isinstance(event, Moment):
                under_way[event.job.name] = event.share
            else:
                under_way.pop(event.job.name, None)
                done += 1
                shown = cast("Path", event.job.payload.target)  # as it was asked for: a path would lose a slash
                if event.message == THERE:
                    outcomes.skip(shown)
                else:
                    outcomes.count(replace(event, job=replace(event.job, target=shown)))
            line.update((done + sum(under_way.values())) / len(items), f"{done} of {len(items)}")
