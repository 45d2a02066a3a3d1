"""What the page is told of jobs and results: plain JSON, without places of this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping

from reverie.jobs.queue.entry import OPEN, Entry, Result, Stored
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.trail import progress_of

MOST_RECORD = 200_000  # characters of a job that go to the page


def job_shown(entry: Entry, home: Home, *, owner: str = "") -> dict[str, object]:
    """Return a job as the page has it."""
    if entry.state == "deleted":
        return {"id": entry.id, "state": "deleted", "number": entry.number}
    shown: dict[str, object] = {
        "id": entry.id, "number": entry.number, "tool": entry.tool, "title": entry.title, "state": entry.state,
        "wish": entry.wish, "text": entry.text, "priority": entry.priority, "attempts": entry.attempts,
        "mine": entry.owner == owner, "created": entry.created, "started": entry.started, "ended": entry.ended,
        "seconds": entry.seconds, "suffix": entry.suffix, "record": small_record(entry.record),
        "results": [result_shown(result) for result in entry.results],
    }  # fmt: skip
    if entry.state in OPEN and entry.worker:
        shown["progress"] = progress_of(home.job(entry.id))
    return shown


def small_record(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record without its large parts; what the form needs stays."""
    if len(json.dumps(record)) <= MOST_RECORD:
        return record
    plain = ("tool", "version", "input", "files", "quality", "stopped_at_step")
    return {key: value for key, value in record.items() if key in plain or isinstance(value, Mapping)}


def result_shown(result: Result) -> dict[str, object]:
    """Return a result as the page has it."""
    return {
        "id": result.id, "job": result.job, "name": result.name, "kind": result.kind, "sha256": result.sha256,
        "bytes": result.bytes, "width": result.width, "height": result.height, "favourite": result.favourite,
        "shown": result.shown, "created": result.created,
    }  # fmt: skip


def file_shown(item: Stored) -> dict[str, object]:
    """Return an input as the page has it."""
    return {
        "sha256": item.sha256, "name": item.name, "kind": item.kind, "bytes": item.bytes, "width": item.width,
        "height": item.height,
    }  # fmt: skip
