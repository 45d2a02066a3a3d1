"""Follows the queue for all open pages: one look at the database serves them all, and who is slow holds nobody up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool

from reverie.apps.web.studio.show import job_shown
from reverie.errors import OutputError
from reverie.jobs.queue.entry import Entry
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.trail import Shown, look, progress_of

LOOK_S = 0.2
QUEUE_S = 2.0  # between two estimates of waiting times
HEARTBEAT_S = 15.0
MOST_FOLLOWERS = 256  # open pages of one studio


class Follower:
    """One open page: the latest of every job that it has not been told yet."""

    def __init__(self, owner: str, only: str | None) -> None:
        self.owner, self.only = owner, only
        self.pending: dict[tuple[str, str], Any] = {}
        self.woken = asyncio.Event()

    def tell(self, kind: str, key: str, content: object) -> None:
        """Leave something to be sent; an older one of the same kind is dropped."""
        self.pending[kind, key] = content
        self.woken.set()


class Following:
    """Looks at the queue while anybody follows, and passes on what is new."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.followers = queue, set[Follower]()
        self._task: asyncio.Task[None] | None = None
        self.closing = False
        self._latest, self._running, self._seen = 0, set[str](), dict[str, int]()
        self._mark: tuple[tuple[int, int], ...] = ()

    @property
    def full(self) -> bool:
        """Whether no further page may follow."""
        return len(self.followers) >= MOST_FOLLOWERS

    async def events(self, owner: str, only: str | None = None) -> AsyncIterator[bytes]:
        """Yield server-sent events: `job`, `progress`, `queue`.

        Args:
            owner: whose jobs are marked as one's own.
            only: id of the one job to follow; the stream ends with it.
        """
        follower = Follower(owner, only)
        self.followers.add(follower)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        try:
            yield b"retry: 1000\n\n"
            follower.tell("queue", "", await run_in_threadpool(waiting_times, self.queue))
            if only is not None:
                entry = await run_in_threadpool(self.queue.get, only)
                follower.tell("job", only, entry)
            while not self.closing:
                with suppress(TimeoutError):
                    await asyncio.wait_for(follower.woken.wait(), HEARTBEAT_S)
                if not follower.pending:
                    yield b": still here\n\n"
                    continue
                pending, follower.pending = follower.pending, {}
                follower.woken.clear()
                for (kind, key), content in pending.items():
                    if isinstance(content, Entry):
                        content = await run_in_threadpool(job_shown, content, self.queue.home, owner=owner)
                    yield f"event: {kind}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n".encode()
                    if only == key and kind == "job" and content["state"] not in ("queued", "running", "paused"):
                        return
        finally:
            self.followers.discard(follower)

    async def close(self) -> None:
        """Let all open pages go."""
        self.closing = True
        for follower in self.followers:
            follower.woken.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        self._latest = await run_in_threadpool(self.queue.latest_change)
        self._running = await run_in_threadpool(self._running_now)
        loop, due = asyncio.get_running_loop(), 0.0
        while self.followers:
            try:
                changed, progress = await run_in_threadpool(self._look)
                for entry in changed:
                    self._tell("job", entry.id, entry)
                for key, about in progress.items():
                    self._tell("progress", key, {"id": key, **about})
                if changed or (self._running and loop.time() >= due):
                    due = loop.time() + QUEUE_S
                    self._tell("queue", "", await run_in_threadpool(waiting_times, self.queue))
            except OutputError as error:  # the database is busy or the disk full; the next look may succeed
                self._tell("trouble", "", {"error": str(error)})
            await asyncio.sleep(LOOK_S)

    def _look(self) -> tuple[list[Entry], dict[str, Shown]]:
        """Return what changed since the last look; where no file was written, that costs next to nothing."""
        mark, changed = self._written(), list[Entry]()
        if mark != self._mark:
            changed = self.queue.changed_after(self._latest)
            self._mark = mark
        for entry in changed:
            self._latest = max(self._latest, entry.changed)
            (self._running.add if entry.worker else self._running.discard)(entry.id)
        progress: dict[str, Shown] = {}
        for key in self._running:
            folder = self.queue.home.job(key)
            look(folder)
            with suppress(OSError):
                stamp = (folder / "progress.json").stat().st_mtime_ns
                if self._seen.get(key) != stamp and (about := progress_of(folder)) is not None:
                    self._seen[key], progress[key] = stamp, about
        self._seen = {key: stamp for key, stamp in self._seen.items() if key in self._running}
        return changed, progress

    def _written(self) -> tuple[tuple[int, int], ...]:
        """Return size and time of the database's files; every transaction changes one of them."""
        found: list[tuple[int, int]] = []
        for path in (self.queue.home.database, self.queue.home.database.with_name("jobs.db-wal")):
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_size, status.st_mtime_ns))
        return tuple(found)

    def _tell(self, kind: str, key: str, content: object) -> None:
        for follower in self.followers:
            if follower.only is None or follower.only == key or kind == "queue":
                follower.tell(kind, key, content)

    def _running_now(self) -> set[str]:
        return {entry.id for entry in self.queue.all(states=("running", "paused")) if entry.worker}


def waiting_times(queue: Queue) -> dict[str, object]:
    """Return who waits, in order, and about how long each has to; null where nobody knows."""
    running = queue.all(states=("running",))
    remaining: list[float | None] = []
    for entry in running:
        progress = progress_of(queue.home.job(entry.id))
        eta = None if progress is None else progress.get("eta")
        remaining.append(eta if eta is not None else queue.typical_seconds(entry.tool))
    order, ahead = [], None if None in remaining else min((x for x in remaining if x is not None), default=0.0)
    typical: dict[str, float | None] = {}
    tools = {entry.id: entry.tool for entry in queue.all(states=("queued",))}
    for key in queue.waiting():
        order.append({"id": key, "seconds": None if ahead is None else round(ahead, 1)})
        tool = tools.get(key, "")
        if tool not in typical:
            typical[tool] = queue.typical_seconds(tool)
        step = typical[tool]
        ahead = None if ahead is None or step is None else ahead + step / max(1, len(running))
    return {"running": len(running), "waiting": order}
