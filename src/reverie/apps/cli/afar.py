"""A command line's jobs on an executor: what is shipped, and what comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reverie.apps.cli.output import print_note, print_path
from reverie.errors import InputError
from reverie.jobs.batch import Item, Moment, Outcome

if TYPE_CHECKING:
    from reverie.apps.cli.common_options import Common
    from reverie.jobs.executor import Executor
    from reverie.jobs.given import Given
    from reverie.jobs.many import Asked, Opener
    from reverie.jobs.target import Target
    from reverie.jobs.tool import AnyTool


def opener_of(tool: AnyTool, executor: Executor, config: object) -> Opener:
    """Return what a worker far away opens: the tool with these settings, whose files are named from the root on."""
    from reverie.jobs.executor import absolute
    from reverie.jobs.many import Opener

    return Opener(executor.find, tool.name, absolute(config), executor.threads, executor.memory_bytes)


def batch_afar(
    tool: AnyTool, executor: Executor, items: Sequence[Item[Asked]], config: object
) -> Callable[[], Generator[Moment[Asked] | Outcome[Asked]]]:
    """Return what works through the items of a folder on an executor."""
    shown = {replace(i, source=i.source and i.source.resolve(), target=i.target.absolute()): i for i in items}
    workers = min(executor.workers, len(items))
    print(f"{tool.doing} {len(items)}: {workers} worker{'s' if workers > 1 else ''} of the cluster", file=sys.stderr)
    return partial(_run, executor, shown, opener_of(tool, executor, config))


def _run(
    executor: Executor, shown: Mapping[Item[Asked], Item[Asked]], opener: Opener
) -> Generator[Moment[Asked] | Outcome[Asked]]:
    """Work through the items that are placed from the root on; what is said names them as the user did."""
    with closing(executor.run(list(shown), opener)) as events:
        for event in events:
            yield replace(event, job=shown[event.job])


def one_afar(
    tool: AnyTool, executor: Executor, config: object, given: Given | None, target: Target, common: Common
) -> int:
    """Do one job on an executor, from its own files beside the result on where a worker was lost; return exit code."""
    from reverie.apps.cli.progress import bar
    from reverie.jobs.many import Asked
    from reverie.jobs.values import seed_of

    if common.show:
        raise InputError("--show follows a work of this machine; leave it out, or --executor")
    if common.as_json:
        raise InputError("--json prints what this machine finds; leave it out, or --executor")
    if given is not None and given.path is None:
        raise InputError("an executor takes files on storage that its machines share, not standard input")
    if target.note:
        print_note(target.note)
    asked = Asked(seed_of(config), common.quality, "" if given is None else given.kind)
    source = None if given is None or given.path is None else given.path.resolve()
    item = Item(target.path.name, source, target.path.absolute(), asked, alone=True)
    with bar(tool.doing) as line, closing(executor.run([item], opener_of(tool, executor, config))) as events:
        for event in events:
            if isinstance(event, Moment):
                line.update(event.share, event.note)
                continue
            if event.state == "failed":
                print_note(f"reverie: {event.message}")
                return event.exit_code
            text, *notes = event.message.splitlines()
            for note in (*notes, text):
                line.say(note)
            print_path(target.path)
    return 0
