"""The queue as a worker sees it: take up, keep alive, hand in; and what becomes of the jobs of workers that are gone.

A job belongs to one worker at a time. A worker says every few seconds that it is alive; where its process is gone, or
it has been silent for as long as its lease, its jobs go back into the queue. It can then no longer hand anything in.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from reverie.jobs.job import Json
from reverie.jobs.queue.database import Database
from reverie.jobs.queue.entry import Entry, Made, State, Wish, entry_of
from reverie.jobs.queue.store import NEXT, new_id

LEASE_S = 60.0  # of silence, after which a worker that cannot be asked counts as gone; compilers hold one up for long
MOST_ATTEMPTS = 4  # workers that one job may take down


@dataclass(frozen=True)
class Wished:
    """What is asked of a running job: its wish, and the changes of settings since the last look."""

    wish: Wish
    changes: tuple[tuple[str, Json], ...]


class Leases:
    """What a worker, and whoever looks after workers, does with the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- workers ------------------------------------------------------------------------------------------------------

    def enter(self, device: str) -> str:
        """Note this process as a worker and return its name."""
        name, me = new_id(), psutil.Process()
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO workers (id, host, pid, born, device, lease) VALUES (?, ?, ?, ?, ?, ?)",
                (name, socket.gethostname(), os.getpid(), me.create_time(), device, time.time() + LEASE_S),
            )
        return name

    def beat(self, worker: str) -> bool:
        """Renew the lease; False where it was lost."""
        with self._database.writing() as db:
            return bool(
                db.execute("UPDATE workers SET lease = ? WHERE id = ?", (time.time() + LEASE_S, worker)).rowcount
            )

    def leave(self, worker: str) -> None:
        """Note that a worker ends, and give back what it has, without counting that as an attempt."""
        with self._database.writing() as db:
            _give_back(db, worker, count=False)
            db.execute("DELETE FROM workers WHERE id = ?", (worker,))

    def living(self) -> list[tuple[str, int, str]]:
        """Return name, process number and device of the workers that are alive."""
        with self._database.reading() as db:
            rows = db.execute("SELECT * FROM workers").fetchall()
        return [(row["id"], row["pid"], row["device"]) for row in rows if _alive(row)]

    def bury(self) -> int:
        """Give back the jobs of workers that are gone; return how many workers were."""
        with self._database.reading() as db:
            gone = [row["id"] for row in db.execute("SELECT * FROM workers").fetchall() if not _alive(row)]
            known = {row["id"] for row in db.execute("SELECT id FROM workers")}
            lost = {row["worker"] for row in db.execute("SELECT worker FROM jobs WHERE worker != ''")} - known
        for worker in {*gone, *lost}:
            with self._database.writing() as db:
                _give_back(db, worker, count=True)
                db.execute("DELETE FROM workers WHERE id = ?", (worker,))
        return len({*gone, *lost})

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def claim(self, worker: str) -> Entry | None:
        """Take up the job that is next; None where nothing waits."""
        with self._database.reading() as db:  # an idle worker must not lock the database four times a second
            if db.execute("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1").fetchone() is None:
                return None
        with self._database.writing() as db:
            if db.execute("SELECT 1 FROM workers WHERE id = ?", (worker,)).fetchone() is None:
                return None
            row = db.execute(
                f"UPDATE jobs SET state = 'running', worker = ?, attempts = attempts + 1, wish = '', "
                f"started = coalesce(started, ?), changed = {NEXT} WHERE number = (SELECT number FROM jobs "
                "WHERE state = 'queued' ORDER BY priority DESC, number LIMIT 1) RETURNING *", (worker, time.time()),
            ).fetchone()  # fmt: skip
        return None if row is None else entry_of(row)

    def wished(self, job: str, worker: str) -> Wished | None:
        """Return what is asked of a job; None where it is no longer this worker's."""
        with self._database.reading() as db:
            row = db.execute("SELECT wish FROM jobs WHERE id = ? AND worker = ?", (job, worker)).fetchone()
            if row is None:
                return None
            found = db.execute("SELECT * FROM changes WHERE job = ? ORDER BY position", (job,)).fetchall()
        if found:
            with self._database.writing() as db:
                db.execute("DELETE FROM changes WHERE job = ? AND position <= ?", (job, found[-1]["position"]))
        return Wished(row["wish"], tuple((item["name"], json.loads(item["value"])) for item in found))

    def state(self, job: str, worker: str, state: State) -> None:
        """Note that a job pauses or goes on."""
        with self._database.writing() as db:
            db.execute(f"UPDATE jobs SET state = ?, changed = {NEXT} WHERE id = ? AND worker = ?", (state, job, worker))

    def ours(self, job: str, worker: str) -> bool:
        """Tell whether a job is still this worker's."""
        with self._database.reading() as db:
            return db.execute("SELECT 1 FROM jobs WHERE id = ? AND worker = ?", (job, worker)).fetchone() is not None

    def settle(
        self, job: str, worker: str, state: State, text: str, seconds: float, made: Sequence[Made] = (),
    ) -> bool:  # fmt: skip
        """Hand in a job with all its results, in one transaction; False where it was no longer this worker's."""
        now = time.time()
        with self._database.writing() as db:
            count = db.execute(
                f"UPDATE jobs SET state = ?, text = ?, seconds = ?, ended = ?, worker = '', wish = '', "
                f"changed = {NEXT} WHERE id = ? AND worker = ?", (state, text, seconds, now, job, worker),
            ).rowcount  # fmt: skip
            if not count:
                return False
            db.execute("DELETE FROM results WHERE job = ?", (job,))
            db.execute("DELETE FROM changes WHERE job = ?", (job,))
            for position, item in enumerate(made):
                db.execute(
                    "INSERT INTO results (id, job, position, name, kind, sha256, bytes, width, height, created) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (new_id(), job, position, item.name, item.kind, item.sha256, item.bytes, item.width, item.height,
                     now),
                )  # fmt: skip
        return True


def _alive(row: sqlite3.Row) -> bool:
    """Tell whether a worker lives: here by its process, elsewhere by its lease."""
    if time.time() > row["lease"]:
        return False
    if row["host"] != socket.gethostname():
        return True
    try:
        process = psutil.Process(row["pid"])
        return abs(process.create_time() - row["born"]) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _give_back(db: sqlite3.Connection, worker: str, *, count: bool) -> None:
    """Return a worker's jobs to the queue: paused ones stay so, and those that took too many workers down fail."""
    back = "" if count else ", attempts = max(0, attempts - 1)"
    for row in db.execute("SELECT id, wish, attempts FROM jobs WHERE worker = ?", (worker,)).fetchall():
        if row["wish"] in ("cancel", "stop"):
            change = f"state = 'cancelled', text = 'the worker ended before anything was kept', ended = {time.time()}"
        elif count and row["attempts"] >= MOST_ATTEMPTS:
            why = f"the worker ended {row['attempts']} times while it worked on this; the log may say more"
            change = f"state = 'failed', text = '{why}', ended = {time.time()}"
        else:
            change = f"state = '{'paused' if row['wish'] == 'pause' else 'queued'}'{back}"
        db.execute(f"UPDATE jobs SET {change}, worker = '', wish = '', changed = {NEXT} WHERE id = ?", (row["id"],))
