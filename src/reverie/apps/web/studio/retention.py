"""How long things are kept: results and inputs by their age, unfinished uploads for an hour; favorites stay."""

from __future__ import annotations

from reverie.apps.web.studio.settings import StudioSettings
from reverie.errors import InputError
from reverie.jobs.queue.entry import ENDED
from reverie.jobs.queue.files import FileStore, clear_incoming
from reverie.jobs.queue.store import Queue

FOLLOWED_S = 3600.0  # for which pages that follow the queue are told of a job that is gone
UNUSED_DAYS = 30  # after which an input that no job has used is removed even where everything is kept


def clean(queue: Queue, files: FileStore, settings: StudioSettings, now: float) -> int:
    """Remove what is older than it may be; return how many jobs and files were removed.

    Args:
        queue: whose jobs.
        files: its inputs.
        settings: how long they are kept.
        now: the time, in seconds since 1970.
    """
    clear_incoming(queue.home)
    removed = 0
    if settings.keep_hours is not None:
        oldest = now - 3600 * settings.keep_hours
        for key in _over_since(queue, oldest):
            try:
                queue.delete(key)
                removed += 1
            except InputError:  # it was deleted, or tried again, a moment ago
                continue
    unused = now - (3600 * settings.keep_hours if settings.keep_hours is not None else UNUSED_DAYS * 86400)
    waiting = _needed(queue)
    for item in files.unused_since(unused):
        if item.sha256 not in waiting:
            files.forget(item)
            removed += 1
    _forget_deleted(queue, unused - FOLLOWED_S)
    _trim_thumbs(queue, unused)
    return removed


def _forget_deleted(queue: Queue, oldest: float) -> None:
    """Drop the rows of jobs that were deleted long ago; the last change stays, since changes are counted on from it."""
    with queue.database.writing() as db:
        db.execute(
            "DELETE FROM jobs WHERE state = 'deleted' AND coalesce(ended, created) < ? "
            "AND changed < (SELECT max(changed) FROM jobs)", (oldest,),
        )  # fmt: skip


def _over_since(queue: Queue, oldest: float) -> list[str]:
    marks = ",".join("?" * len(ENDED))
    with queue.database.reading() as db:
        rows = db.execute(
            f"SELECT id FROM jobs WHERE state IN ({marks}) AND ended < ? AND id NOT IN "
            "(SELECT job FROM results WHERE favourite = 1)", (*ENDED, oldest),
        ).fetchall()  # fmt: skip
    return [row["id"] for row in rows]


def _needed(queue: Queue) -> set[str]:
    """Return the inputs of jobs that are kept: before and after are shown together, and a replay needs them."""
    needed: set[str] = set()
    with queue.database.reading() as db:
        for row in db.execute("SELECT record FROM jobs WHERE state != 'deleted'"):
            needed |= _digests(row["record"])
        for row in db.execute("SELECT record FROM presets"):
            needed |= _digests(row["record"])
    return needed


def _digests(record: str) -> set[str]:
    import json

    found = json.loads(record)
    items = [found.get("input"), *(found.get("files") or {}).values()]
    return {item["sha256"] for item in items if isinstance(item, dict) and "sha256" in item}


def _trim_thumbs(queue: Queue, oldest: float) -> None:
    """Remove small pictures that were made long ago; whoever looks again has them made again."""
    with queue.database.reading() as db:
        kept = {row["picture"] for row in db.execute("SELECT picture FROM presets")}
    for path in queue.home.thumbs.iterdir():
        if path.name.partition("-")[0] not in kept and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
