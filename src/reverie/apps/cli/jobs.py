"""`reverie jobs`: the studio's queue from a terminal."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from reverie.apps.cli.output import print_note, print_path
from reverie.apps.cli.pipes import as_given
from reverie.apps.cli.studio import device_list, home_of
from reverie.errors import InputError, printable

if TYPE_CHECKING:
    from reverie.jobs.queue.entry import Entry
    from reverie.jobs.queue.files import FileStore
    from reverie.jobs.queue.store import Queue

REGISTRY = "reverie.tools.registry"
LOOK_S = 0.3
HomeOption = Annotated[str | None, Parameter(name="--home", help="Folder of the queue; default: this user's.")]
Key = Annotated[str, Parameter(help="Id of the job, or its first characters.")]


def list_command(
    *,
    all: Annotated[bool, Parameter(negative="", help="Those that are over as well.")] = False,  # noqa: A002
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="As JSON.")] = False,
    home: HomeOption = None,
) -> int:
    """List the jobs of the queue, the latest first."""
    from reverie.jobs.queue.entry import OPEN

    queue = open_queue(home)
    found = queue.all(states=() if all else OPEN)
    if as_json:
        print(json.dumps([_plain(entry, queue) for entry in found], ensure_ascii=False, indent=1))
        return 0
    if not found:
        print("nothing waits" + ("" if all else "; --all lists what is over"), file=sys.stderr)
    for entry in found:
        line = f"{entry.id}  {entry.state:9}  {entry.tool:16}  {entry.title[:32]:32}  {_far(entry, queue)}"
        print(printable(line).rstrip())
    return 0


def add_command(
    job: Annotated[
        str, Parameter(help="A job as JSON, or a result of Reverie with its job inside; - for standard input.")
    ],
    files: Annotated[
        list[str] | None, Parameter(help="The files that go in; the first picture replaces the job's.")
    ] = None,
    /,
    *,
    priority: Annotated[int, Parameter(help="Larger ones come first.")] = 0,
    file_format: Annotated[str, Parameter(name="--format", help="Format of the result, such as jpg.")] = "",
    home: HomeOption = None,
) -> int:
    """Add a job to the queue and print its id; a studio or `reverie jobs work` does it."""
    from reverie.jobs.queue.adding import add_job, beside, read_job
    from reverie.tools.registry import find_tool

    _check_no_command(as_given(job), files)
    queue = open_queue(home)
    store = files_of(queue)
    record, given = read_job(as_given(job)), [Path(as_given(f)) for f in files or ()]
    for path in beside(Path(as_given(job)), record, find_tool):
        store.adopt(path, owner="terminal")
    entry = add_job(queue, store, find_tool, record, given, suffix=file_format, priority=priority)
    print(entry.id)
    return 0


def watch_command(key: Key, /, *, home: HomeOption = None) -> int:
    """Follow a job to its end; print where its results are."""
    from reverie.apps.cli.progress import bar
    from reverie.jobs.queue.entry import OPEN
    from reverie.jobs.queue.trail import progress_of

    queue = open_queue(home)
    entry = found(queue, key)
    with bar(entry.tool) as line:
        while entry.state in OPEN:
            progress = progress_of(queue.home.job(entry.id)) or {}
            stage = progress.get("stage") or progress.get("unit") or ""
            line.update(
                progress.get("fraction") or 0.0, stage if entry.state == "running" else entry.state, progress.get("eta")
            )
            time.sleep(LOOK_S)
            entry = queue.get(entry.id)
    print_note(f"{entry.state}: {entry.text}")
    for result in entry.results:
        print_path(queue.home.result(entry.id) / result.name)
    return 0 if entry.state in ("done", "stopped") else 1


def cancel_command(
    key: Key, /, *,
    keep: Annotated[bool, Parameter(negative="", help="Stop after the current step and keep what there is.")] = False,
    home: HomeOption = None,
) -> int:  # fmt: skip
    """Cancel a job, or stop it and keep what there is."""
    queue = open_queue(home)
    entry = queue.wish(found(queue, key).id, "stop" if keep else "cancel")
    print(entry.state if not entry.worker else "asked; it stops after its current step", file=sys.stderr)
    return 0


def pause_command(key: Key, /, *, home: HomeOption = None) -> int:
    """Pause a job; others go ahead meanwhile."""
    queue = open_queue(home)
    queue.wish(found(queue, key).id, "pause")
    return 0


def resume_command(key: Key, /, *, home: HomeOption = None) -> int:
    """Let a paused job go on."""
    queue = open_queue(home)
    queue.wish(found(queue, key).id, "")
    return 0


def retry_command(key: Key, /, *, home: HomeOption = None) -> int:
    """Queue a job again that failed or was cancelled."""
    queue = open_queue(home)
    print(queue.retry(found(queue, key).id).id)
    return 0


def work_command(
    *,
    devices: Annotated[str, Parameter(help="One worker for each, with commas.")] = "auto",
    until_empty: Annotated[bool, Parameter(negative="", help="End when nothing waits any more.")] = False,
    executor: Annotated[str, Parameter(help="local, ray or ray://HOST:PORT; see docs/cluster.md.")] = "local",
    workers: Annotated[str, Parameter(help="Jobs at once on an executor; auto: as many as it has room for.")] = "auto",
    home: HomeOption = None,
) -> int:
    """Do the jobs of the queue without a page."""
    from reverie.cluster.far_keeper import keeper_of
    from reverie.jobs.queue.entry import OPEN

    queue = open_queue(home)
    with keeper_of(queue, REGISTRY, device_list(devices), executor, workers) as keeper:
        print(f"working in {queue.home.root}; Ctrl-C ends it", file=sys.stderr)
        trouble = ""
        while not until_empty or queue.all(states=OPEN[:2], limit=1):
            time.sleep(LOOK_S)
            if keeper.trouble != trouble:
                trouble = keeper.trouble
                print(trouble or "a worker runs again", file=sys.stderr)
    return 0


# -- parts ------------------------------------------------------------------------------------------------------------


def open_queue(home: str | None) -> Queue:
    """Return the queue in a folder."""
    from reverie.jobs.queue.store import Queue

    return Queue(home_of(home))


def files_of(queue: Queue) -> FileStore:
    """Return the inputs of a queue."""
    from reverie.jobs.queue.files import FileStore

    return FileStore(queue.home, queue.database)


def found(queue: Queue, key: str) -> Entry:
    """Return a job by its id or the beginning of it.

    Raises:
        InputError: none or several begin so.
    """
    matches = [entry for entry in queue.all(limit=2000) if entry.id.startswith(key)]
    if len(matches) == 1:
        return matches[0]
    raise InputError(f"{len(matches) or 'no'} jobs begin with '{key}'; see 'reverie jobs list --all'")


def _check_no_command(job: str, files: list[str] | None) -> None:
    """Refuse ``jobs add dream photo.jpg``, by which people mean a command.

    Raises:
        InputError: says what a job is.
    """
    from reverie.apps.cli.words import named_tool

    tool = None if Path(job).exists() else named_tool([job, *map(as_given, files or ())])
    if tool is not None:
        raise InputError(
            f"'{tool}' is a command; this takes a job, which is a .json file or an earlier result, and then the files "
            f"that go in, such as: reverie jobs add photo-{tool.split()[-1]}.png other.jpg"
        )


def _plain(entry: Entry, queue: Queue) -> dict[str, object]:
    from reverie.apps.web.studio.show import job_shown

    return job_shown(entry, queue.home, owner="terminal")


def _far(entry: Entry, queue: Queue) -> str:
    from reverie.jobs.queue.entry import OPEN
    from reverie.jobs.queue.trail import progress_of

    if entry.state not in OPEN:
        return entry.text
    progress = progress_of(queue.home.job(entry.id)) or {}
    fraction = progress.get("fraction")
    return f"{100 * fraction:.0f} %  {progress.get('stage', '')}" if fraction is not None else ""
