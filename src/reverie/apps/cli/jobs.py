"""`reverie jobs`: the studio's queue from a terminal."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.pipes import as_given
from reverie.apps.cli.studio import device_list, home_of
from reverie.errors import InputError

if TYPE_CHECKING:
    from reverie.jobs.queue.entry import Entry
    from reverie.jobs.queue.files import FileStore
    from reverie.jobs.queue.store import Queue

REGISTRY = "reverie.tools.registry"
LOOK_S = 0.3
OF_ONE_RESULT = ("steering", "stopped_at_step", "machine", "model")  # and of no other picture
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
        print(f"{entry.id}  {entry.state:9}  {entry.tool:16}  {entry.title[:32]:32}  {_far(entry, queue)}".rstrip())
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
    from reverie.tools.registry import find_tool

    queue = open_queue(home)
    store = files_of(queue)
    record, given = read_job(as_given(job)), [Path(as_given(f)) for f in files or ()]
    for path in () if given else beside(Path(as_given(job)), record, find_tool):
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
    print(f"{entry.state}: {entry.text}", file=sys.stderr)
    for result in entry.results:
        print(queue.home.result(entry.id) / result.name)
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


def read_job(text: str) -> dict[str, Any]:
    """Return the raw job of a file or of standard input.

    Raises:
        InputError: there is none in it.
    """
    from reverie.jobs.stored import stored_record

    if text == "-":
        blob = sys.stdin.read()
    elif Path(text).suffix.lower() == ".json" and Path(text).is_file():
        blob = Path(text).read_text("utf-8")
    else:
        return stored_record(Path(text))
    try:
        data = json.loads(blob)
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{text}' is no JSON ({error})") from error
    if not isinstance(data, dict):
        raise InputError(f"'{text}' holds no job: expected entries by name")
    inside = data.get("job")
    return inside if isinstance(inside, dict) and "tool" not in data else data


def beside(made: Path, record: dict[str, Any], find: Any) -> list[Path]:
    """Return the files that went into a result and lie where a replay finds them; what is missing, the queue names."""
    from reverie.jobs.files import Files
    from reverie.jobs.job import parse

    if not made.exists():
        return []
    job, files, found = parse(record, find), Files(made), []
    for role, item in (("input", job.streamed), *job.files.items()):
        with suppress(InputError):
            found += [] if item is None else [files.found(role, item)]
    return found


def add_job(
    queue: Queue, store: FileStore, find: Any, record: dict[str, Any], paths: list[Path], *, suffix: str = "",
    priority: int = 0, owner: str = "terminal",
) -> Entry:  # fmt: skip
    """Queue a job with files of this machine: those that it names go where it says, another one is what it works on."""
    from reverie.jobs.queue.accept import accept

    named = {item["name"]: role for role, item in (record.get("files") or {}).items()}
    record = dict(record)
    for path in paths:
        item = store.adopt(path, owner=owner)
        entry = {"name": path.name, "sha256": item.sha256}
        if path.name in named:
            record["files"] = {**record["files"], named[path.name]: entry}
        else:
            record = {key: value for key, value in record.items() if key not in OF_ONE_RESULT} | {"input": entry}
    accepted = accept(record, find, store, suffix=suffix)
    return queue.add(accepted.record, suffix=accepted.suffix, title=accepted.title, owner=owner, priority=priority)


def _plain(entry: Entry, queue: Queue) -> dict[str, Any]:
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
