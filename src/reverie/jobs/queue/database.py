"""The database of the queue: its tables, and one way to open it.

Write-ahead logging lets the page read while a worker writes; every change is one transaction, so a killed process
leaves either all of it or nothing.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reverie.errors import OutputError

BUSY_S = 15.0  # for another process to finish its transaction
MOST_FREE = 4  # connections that are kept open while nobody uses them
VERSION = 1

TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    tool TEXT NOT NULL,
    record TEXT NOT NULL,
    title TEXT NOT NULL,
    suffix TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    wish TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT '',
    compare TEXT NOT NULL DEFAULT '',
    once TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    seconds REAL,
    changed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state, priority, number);
CREATE UNIQUE INDEX IF NOT EXISTS jobs_once ON jobs (owner, once) WHERE once != '';
CREATE INDEX IF NOT EXISTS jobs_changed ON jobs (changed);
CREATE TABLE IF NOT EXISTS results (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER,
    height INTEGER,
    favourite INTEGER NOT NULL DEFAULT 0,
    shown TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS results_job ON results (job, position);
CREATE INDEX IF NOT EXISTS results_sha256 ON results (sha256);
CREATE TABLE IF NOT EXISTS files (
    sha256 TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    suffix TEXT NOT NULL,
    kind TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER,
    height INTEGER,
    owner TEXT NOT NULL,
    used REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS workers (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    born REAL NOT NULL,
    device TEXT NOT NULL,
    lease REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS changes (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS presets (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    tool TEXT NOT NULL,
    record TEXT NOT NULL,
    picture TEXT NOT NULL,
    booth INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL
);
"""


class Database:
    """Keeps a few connections open; each serves one thread at a time, since opening one costs more than most questions.

    Raises:
        OutputError: here and in every use: the file cannot be opened or written, or is of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._free: deque[sqlite3.Connection] = deque()
        weakref.finalize(self, _close_all, self._free)
        with self.writing() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise OutputError(f"'{path}' was written by a newer version of Reverie")
            if version < VERSION:
                for statement in TABLES.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection to read from."""
        db = self._taken()
        try:
            yield db
        except sqlite3.DatabaseError as error:
            db.close()
            raise OutputError(f"'{self.path}' cannot be used: {error}") from error
        except BaseException:
            db.close()
            raise
        if len(self._free) < MOST_FREE:
            self._free.append(db)
        else:
            db.close()

    def _taken(self) -> sqlite3.Connection:
        """Return a connection that nobody uses."""
        with suppress(IndexError):
            return self._free.pop()
        try:
            db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.DatabaseError as error:
            raise OutputError(f"'{self.path}' cannot be opened: {error}") from error
        return db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a transaction that no other writer can interleave; an exception undoes it."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def _close_all(connections: deque[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
