"""The queue as its users see it: add, list, wish, retry; and the results, with favorites and search.

Whoever has the folder has the queue: the page, the terminal and the watch folder all go through here.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence

from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.queue.database import Database
from reverie.jobs.queue.entry import ENDED, OPEN, Entry, MissingError, Result, State, Wish, entry_of, result_of
from reverie.jobs.queue.home import Home

MOST_OPEN = 1000  # jobs that wait; more are refused
NEXT = "(SELECT coalesce(max(changed), 0) + 1 FROM jobs)"  # number of a change, for those who follow


def new_id() -> str:
    """Return a name that nobody can guess, and that no terminal takes for an option."""
    found = secrets.token_urlsafe(12)
    return found if found[0] != "-" else new_id()


class Queue:
    """The queue in a folder.

    Args:
        home: the folder; it is made if absent.

    Raises:
        OutputError: here and in every method: the folder or its database cannot be used.
    """

    def __init__(self, home: Home) -> None:
        self.home = home.make()
        self.database = Database(home.database)

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def add(
        self, record: Mapping[str, Json], *, suffix: str, title: str = "", owner: str = "terminal", priority: int = 0,
        compare: str = "", once: str = "", most: int | None = None,
    ) -> Entry:  # fmt: skip
        """Queue a job and return it.

        Args:
            record: the job as JSON; `reverie.jobs.job.parse` has accepted it.
            suffix: of the main result; "" for a folder.
            title: for people.
            owner: who adds it.
            priority: larger ones come first.
            compare: id of an earlier result to compare the bytes with.
            once: a word of the owner's, so that asking again after a lost answer adds nothing.
            most: jobs that this owner may have waiting.

        Raises:
            InputError: too many wait already.
        """
        key = new_id()
        with self.database.writing() as db:
            there = db.execute(
                "SELECT id FROM jobs WHERE once != '' AND owner = ? AND once = ?", (owner, once)
            ).fetchone()
            if there is not None:
                return self.get(there["id"])
            waiting = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running', 'paused')"
            for count, limit in (
                (_count(db, waiting), MOST_OPEN),
                (_count(db, f"{waiting} AND owner = ?", owner), most),
            ):
                if limit is not None and count >= limit:
                    raise InputError(f"{count} jobs wait already; try again when some are done")
            text, now = json.dumps(record, ensure_ascii=False), time.time()
            db.execute(
                "INSERT INTO jobs (id, owner, tool, record, title, suffix, priority, state, compare, once, created, "
                f"changed) VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, {NEXT})",
                (key, owner, record["tool"], text, title, suffix, priority, compare, once, now),
            )
        return self.get(key)

    def get(self, key: str) -> Entry:
        """Return one job.

        Raises:
            InputError: there is none.
        """
        with self.database.reading() as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ? AND state != 'deleted'", (key,)).fetchone()
            if row is None:
                raise MissingError(f"there is no job '{key[:64]}'")
            return entry_of(row, _results(db, [key]).get(key, ()))

    def all(
        self, *, states: Iterable[State] = (), owner: str | None = None, limit: int = 200, before: int | None = None
    ) -> list[Entry]:
        """Return jobs, the latest first."""
        chosen = tuple(states) or (*OPEN, *ENDED)
        marks = ",".join("?" * len(chosen))
        where, values = [f"state IN ({marks})"], list[object](chosen)
        if owner is not None:
            where.append("owner = ?")
            values.append(owner)
        if before is not None:
            where.append("number < ?")
            values.append(before)
        with self.database.reading() as db:
            sql = f"SELECT * FROM jobs WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?"
            return _entries(db, db.execute(sql, (*values, limit)).fetchall())

    def waiting(self) -> list[str]:
        """Return the ids of what waits, in the order in which it will be taken up."""
        with self.database.reading() as db:
            rows = db.execute("SELECT id FROM jobs WHERE state = 'queued' ORDER BY priority DESC, number").fetchall()
        return [row["id"] for row in rows]

    def changed_after(self, number: int, limit: int = 200) -> list[Entry]:
        """Return jobs that changed since, the earliest change first; deleted ones as well."""
        with self.database.reading() as db:
            rows = db.execute("SELECT * FROM jobs WHERE changed > ? ORDER BY changed LIMIT ?", (number, limit))
            return _entries(db, rows.fetchall())

    def latest_change(self) -> int:
        """Return the number of the latest change."""
        with self.database.reading() as db:
            return _count(db, "SELECT coalesce(max(changed), 0) FROM jobs")

    # -- wishes -------------------------------------------------------------------------------------------------------

    def wish(self, key: str, wish: Wish) -> Entry:
        """Ask for a pause, a stop that keeps what there is, or a cancel; "" goes on.

        Raises:
            InputError: there is no such job, or it is over.
        """
        with self.database.writing() as db:
            asked = "SELECT state, worker, started FROM jobs WHERE id = ? AND state != 'deleted'"
            row = db.execute(asked, (key,)).fetchone()
            if row is None:
                raise MissingError(f"there is no job '{key[:64]}'")
            if row["state"] not in OPEN:
                raise InputError(f"the job is over: {row['state']}")
            if row["worker"]:  # its worker obeys before its next step
                db.execute(f"UPDATE jobs SET wish = ?, changed = {NEXT} WHERE id = ?", (wish, key))
            elif wish in ("stop", "cancel"):
                change = f"state = 'cancelled', wish = '', text = ?, ended = ?, changed = {NEXT}"
                said = "while no worker had it" if row["started"] else "before it began"
                db.execute(f"UPDATE jobs SET {change} WHERE id = ?", (said, time.time(), key))
            else:
                state = "paused" if wish == "pause" else "queued"
                db.execute(f"UPDATE jobs SET state = ?, wish = '', changed = {NEXT} WHERE id = ?", (state, key))
        return self.get(key)

    def retry(self, key: str) -> Entry:
        """Queue a job again that did not come to its end.

        Raises:
            InputError: there is no such job, it is not over, or it is done.
        """
        with self.database.writing() as db:
            count = db.execute(
                f"UPDATE jobs SET state = 'queued', wish = '', attempts = 0, text = '', ended = NULL, "
                f"changed = {NEXT} WHERE id = ? AND state IN ('failed', 'cancelled')", (key,),
            ).rowcount  # fmt: skip
        if not count:
            raise InputError(
                f"only a job that failed or was cancelled is tried again; this one is {self.get(key).state}"
            )
        return self.get(key)

    def prioritize(self, key: str, priority: int) -> Entry:
        """Change the priority of a job that waits."""
        with self.database.writing() as db:
            db.execute(f"UPDATE jobs SET priority = ?, changed = {NEXT} WHERE id = ?", (priority, key))
        return self.get(key)

    def steer(self, key: str, name: str, value: object) -> None:
        """Ask for a change of a setting while the job runs.

        Raises:
            InputError: it does not run.
        """
        with self.database.writing() as db:
            row = db.execute("SELECT worker FROM jobs WHERE id = ?", (key,)).fetchone()
            if row is None or not row["worker"]:
                raise InputError("only a job that runs can be steered")
            db.execute("INSERT INTO changes (job, name, value) VALUES (?, ?, ?)", (key, name, json.dumps(value)))

    def delete(self, key: str) -> None:
        """Remove a job that is over, with its results.

        Raises:
            InputError: there is none, or it is not over.
        """
        if self.get(key).state in OPEN:
            raise InputError("the job is not over; cancel it first")
        with self.database.writing() as db:
            db.execute("DELETE FROM results WHERE job = ?", (key,))
            db.execute(
                f"UPDATE jobs SET state = 'deleted', record = '{{}}', title = '', text = '', changed = {NEXT} "
                "WHERE id = ?", (key,),
            )  # fmt: skip
        shutil.rmtree(self.home.result(key), ignore_errors=True)
        shutil.rmtree(self.home.job(key), ignore_errors=True)

    # -- results ------------------------------------------------------------------------------------------------------

    def result(self, key: str) -> Result:
        """Return one result.

        Raises:
            InputError: there is none.
        """
        with self.database.reading() as db:
            row = db.execute("SELECT * FROM results WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise MissingError(f"there is no result '{key[:64]}'")
        return result_of(row)

    def mark(self, key: str, *, favourite: bool | None = None, shown: str | None = None) -> Result:
        """Make a result a favorite, or decide whether it may be shown in public.

        Raises:
            InputError: there is none.
        """
        job = self.result(key).job
        with self.database.writing() as db:
            if favourite is not None:
                db.execute("UPDATE results SET favourite = ? WHERE id = ?", (int(favourite), key))
            if shown is not None:
                db.execute("UPDATE results SET shown = ? WHERE id = ?", (shown, key))
            db.execute(f"UPDATE jobs SET changed = {NEXT} WHERE id = ?", (job,))
        return self.result(key)

    def gallery(
        self, *, words: str = "", favourites: bool = False, tool: str = "", owner: str | None = None, limit: int = 60,
        before: int | None = None,
    ) -> list[Entry]:  # fmt: skip
        """Return jobs with results, the latest first.

        Args:
            words: each must stand in the title, the tool or the settings.
            favourites: only those with a favorite among their results.
            tool: only those of this tool.
            owner: only those of this owner.
            limit: at most so many.
            before: only those with a smaller number.
        """
        where, values = ["id IN (SELECT job FROM results)", "state IN ('done', 'stopped')"], list[object]()
        for word in words.split()[:8]:
            where.append("(title || ' ' || tool || ' ' || record) LIKE ? ESCAPE '\\'")
            values.append("%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%")
        if favourites:
            where.append("id IN (SELECT job FROM results WHERE favourite = 1)")
        for column, value in (("tool", tool or None), ("owner", owner)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        if before is not None:
            where.append("number < ?")
            values.append(before)
        with self.database.reading() as db:
            sql = f"SELECT * FROM jobs WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?"
            return _entries(db, db.execute(sql, (*values, limit)).fetchall())

    def typical_seconds(self, tool: str) -> float | None:
        """Return the median time of the latest jobs of a tool; None where there are none."""
        with self.database.reading() as db:
            rows = db.execute(
                "SELECT seconds FROM jobs WHERE tool = ? AND state = 'done' AND seconds IS NOT NULL "
                "ORDER BY number DESC LIMIT 9", (tool,),
            ).fetchall()  # fmt: skip
        times = sorted(row["seconds"] for row in rows)
        return times[len(times) // 2] if times else None


def _count(db: sqlite3.Connection, sql: str, *values: object) -> int:
    return int(db.execute(sql, values).fetchone()[0])


def _entries(db: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> list[Entry]:
    results = _results(db, [row["id"] for row in rows])
    return [entry_of(row, results.get(row["id"], ())) for row in rows]


def _results(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, tuple[Result, ...]]:
    found: dict[str, tuple[Result, ...]] = {}
    for first in range(0, len(keys), 500):
        some = keys[first : first + 500]
        marks = ",".join("?" * len(some))
        for row in db.execute(f"SELECT * FROM results WHERE job IN ({marks}) ORDER BY job, position", some):
            found[row["job"]] = (*found.get(row["job"], ()), result_of(row))
    return found
