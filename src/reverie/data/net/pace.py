"""Not too fast: when each host may be asked again, kept in a file that all processes of the user share.

Because the time stands in a file, a process that is killed and started again does not forget it, and two that run at
once do not ask twice as often.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from reverie.errors import OutputError

PIECE_S = 0.25  # a wait is cut into pieces of this length, so that a stop is obeyed soon


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """The wait was ended by a stop."""


class Pace:
    """The times of all hosts.

    Args:
        path: of the SQLite file.
        clock: seconds since 1970.
        sleep: waits.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep, self._lock = clock, sleep, threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute(
                "PRAGMA synchronous=OFF"
            )  # a kill loses nothing; after a power cut the pause is long over
            self._file.execute("CREATE TABLE IF NOT EXISTS host (name TEXT PRIMARY KEY, next REAL NOT NULL)")
        except (OSError, sqlite3.Error) as error:
            raise OutputError(f"the times of requests cannot be kept in '{path}': {error}") from error

    def wait(self, host: str, pause_s: float, stop: threading.Event) -> None:
        """Return when the host may be asked, and take that moment: the next one is `pause_s` later.

        Raises:
            Stopped: `stop` was set first.
        """
        while (left := self._take(host, pause_s)) > 0:
            if stop.is_set():
                raise Stopped
            self._sleep(min(left, PIECE_S))
        if stop.is_set():
            raise Stopped

    def hold(self, host: str, seconds: float) -> None:
        """Let nobody ask a host for some time, as its answer demanded."""
        with self._lock:
            self._file.execute(
                "INSERT INTO host VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = max(next, excluded.next)",
                (host, self._clock() + seconds),
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _take(self, host: str, pause_s: float) -> float:
        """Take the present moment if it is free, and return 0; else return how long it is not."""
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                row = self._file.execute("SELECT next FROM host WHERE name = ?", (host,)).fetchone()
                now = self._clock()
                if row and row[0] > now:
                    return row[0] - now
                self._file.execute("INSERT OR REPLACE INTO host VALUES (?, ?)", (host, now + pause_s))
                return 0.0
            finally:
                self._file.execute("COMMIT")
