"""Jobs from files of this machine: a job as JSON, or any result with its job inside, and the files that go in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.files import Files
from reverie.jobs.job import parse
from reverie.jobs.queue.accept import accept
from reverie.jobs.queue.entry import Entry
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.store import Queue
from reverie.jobs.stored import stored_record
from reverie.jobs.tool import AnyTool

OF_ONE_RESULT = ("steering", "stopped_at_step", "machine", "model")  # and of no other picture


def read_job(text: str) -> dict[str, object]:
    """Return the raw job of a file or of standard input.

    Raises:
        InputError: there is none in it.
    """
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


def beside(made: Path, record: dict[str, object], find: Callable[[str], AnyTool]) -> list[Path]:
    """Return the files that went into a result and lie where a replay finds them; what is missing, the queue names."""
    if not made.exists():
        return []
    job, files, found = parse(record, find), Files(made), []
    for role, item in (("input", job.streamed), *job.files.items()):
        with suppress(InputError):
            found += [] if item is None else [files.found(role, item)]
    return found


def add_job(
    queue: Queue, store: FileStore, find: Callable[[str], AnyTool], record: dict[str, object], paths: list[Path], *,
    suffix: str = "", priority: int = 0, owner: str = "terminal",
) -> Entry:  # fmt: skip
    """Queue a job with files of this machine: those that it names go where it says, another one is what it works on."""
    named = {item.name: role for role, item in parse(record, find).files.items()}
    record = dict(record)
    for path in paths:
        item = store.adopt(path, owner=owner)
        entry = {"name": path.name, "sha256": item.sha256}
        files = record.get("files")
        if path.name in named and isinstance(files, dict):
            record["files"] = {**files, named[path.name]: entry}
        else:
            record = {key: value for key, value in record.items() if key not in OF_ONE_RESULT} | {"input": entry}
    accepted = accept(record, find, store, suffix=suffix)
    return queue.add(accepted.record, suffix=accepted.suffix, title=accepted.title, owner=owner, priority=priority)
