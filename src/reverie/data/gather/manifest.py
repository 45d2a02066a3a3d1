"""What was found, fetched and refused, in one SQLite file beside the pictures: a killed run goes on from it.

Every change is one transaction. A picture's file stands under its name before its row says so, so a kill in between
leaves a file without a row, which the next run replaces by itself.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reverie.data.gather.check import Checked
from reverie.data.gather.record import Record
from reverie.errors import InputError, OutputError
from reverie.weights.atomic import write_bytes

State = Literal["new", "kept", "dropped"]
VERSION = 1
MOST_TRIES = 3  # of one picture that fails for reasons that may pass
TABLES = """
CREATE TABLE IF NOT EXISTS query (
    id INTEGER PRIMARY KEY, label TEXT NOT NULL, words TEXT NOT NULL, source TEXT NOT NULL, cursor TEXT,
    done INTEGER NOT NULL DEFAULT 0, found INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',
    UNIQUE (label, words, source));
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY, label TEXT NOT NULL, source TEXT NOT NULL, url TEXT NOT NULL UNIQUE, record TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'new', why TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0,
    sha256 TEXT UNIQUE, width INTEGER, height INTEGER, d TEXT, p TEXT, file TEXT, fetched REAL);
CREATE TABLE IF NOT EXISTS terms (text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS item_state ON item (label, state);
"""


@dataclass(frozen=True)
class Query:
    """One search: words for a class, in one source; `cursor` is where it goes on."""

    id: int
    label: str
    words: str
    source: str
    cursor: str | None
    done: bool


@dataclass(frozen=True)
class Item:
    """One picture that was found."""

    id: int
    label: str
    record: Record
    tries: int = 0


@dataclass(frozen=True)
class Kept:
    """One picture that is here; `file` is its name in the folder of pictures."""

    id: int
    label: str
    record: Record
    file: str
    sha256: str
    width: int
    height: int
    d: int
    p: int
    fetched: float


class Manifest:
    """The file and the folder of pictures beside it; one process at a time.

    Args:
        folder: made if it is not there.

    Raises:
        InputError: another process works in it, or it is of another version.
        OutputError: it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.pictures = folder, folder / "pictures"
        try:
            self.pictures.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(folder / "manifest.sqlite", timeout=1.0, isolation_level=None)
            self._file.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.executescript(TABLES)
            (version,) = self._file.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise InputError(f"'{folder}' was begun by another version; give another place with -o")
            self._file.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(f"another process gathers into '{folder}'; wait for it, or stop it") from error
            raise OutputError(f"cannot write '{folder}': {error}") from error
        except OSError as error:
            raise OutputError(f"cannot write '{folder}': {error.strerror or error}") from error

    def settle(self, terms: str) -> dict[str, Path]:
        """Forget what was decided by other terms; return the files of the pictures that were kept by them, by address.

        Args:
            terms: what is taken, as a text that is the same for the same terms.
        """
        row = self._file.execute("SELECT text FROM terms").fetchone()
        if row is not None and row[0] == terms:
            return {}
        here = {kept.record.url: self.pictures / kept.file for kept in self.kept()}
        here = {url: path for url, path in here.items() if path.is_file()}
        self._file.execute("BEGIN")
        for table in ("item", "query", "terms"):
            self._file.execute(f"DELETE FROM {table}")
        self._file.execute("INSERT INTO terms VALUES (?)", (terms,))
        self._file.execute("COMMIT")
        return here

    # -- searches ------------------------------------------------------------------------------------------------------

    def query(self, label: str, words: str, source: str) -> Query:
        """Return a search, new or where it stood."""
        with self._file:
            self._file.execute(
                "INSERT OR IGNORE INTO query (label, words, source) VALUES (?, ?, ?)", (label, words, source)
            )
        row = self._file.execute(
            "SELECT id, cursor, done FROM query WHERE label = ? AND words = ? AND source = ?", (label, words, source)
        ).fetchone()
        return Query(row[0], label, words, source, row[1], bool(row[2]))

    def found(self, query: Query, records: Sequence[Record], cursor: str | None) -> tuple[Query, list[Item]]:
        """Store a page of results and where the next one begins; return both, without pictures that are known."""
        items: list[Item] = []
        self._file.execute("BEGIN")
        for record in records:
            made = self._file.execute(
                "INSERT OR IGNORE INTO item (label, source, url, record) VALUES (?, ?, ?, ?)",
                (query.label, query.source, record.url, record.text()),
            )
            if made.rowcount and made.lastrowid:
                items.append(Item(made.lastrowid, query.label, record))
        self._file.execute(
            "UPDATE query SET cursor = ?, done = ?, found = found + ? WHERE id = ?",
            (cursor, cursor is None, len(records), query.id),
        )
        self._file.execute("COMMIT")
        return Query(query.id, query.label, query.words, query.source, cursor, cursor is None), items

    def exhausted(self, query: Query, why: str) -> None:
        """Note that a search has no more to give, and why."""
        self._file.execute("UPDATE query SET done = 1, why = ? WHERE id = ?", (why, query.id))

    # -- pictures ------------------------------------------------------------------------------------------------------

    def waiting(self, label: str) -> Iterator[Item]:
        """Yield the pictures of a class that are not fetched yet, in the order they were found."""
        select = "SELECT id, label, record, tries FROM item WHERE label = ? AND state = 'new' ORDER BY id"
        for number, name, record, tries in self._file.execute(select, (label,)).fetchall():
            yield Item(number, name, Record.parse(record), tries)

    def keep(self, item: Item, blob: bytes, checked: Checked) -> Kept:
        """Write a picture and say so."""
        name = f"{checked.sha256}{checked.suffix}"
        write_bytes(self.pictures / name, blob)
        now = time.time()
        self._file.execute(
            "UPDATE item SET state = 'kept', why = '', sha256 = ?, width = ?, height = ?, d = ?, p = ?, file = ?, "
            "fetched = ? WHERE id = ?",
            (checked.sha256, checked.width, checked.height, f"{checked.hashes.d:016x}", f"{checked.hashes.p:016x}",
             name, now, item.id),
        )  # fmt: skip
        return Kept(item.id, item.label, item.record, name, checked.sha256, checked.width, checked.height,
                    checked.hashes.d, checked.hashes.p, now)  # fmt: skip

    def drop(self, item: Item, why: str) -> None:
        """Note that a picture is not taken, ever."""
        self._file.execute("UPDATE item SET state = 'dropped', why = ? WHERE id = ?", (why[:300], item.id))

    def failed(self, item: Item, why: str) -> bool:
        """Note that a picture did not come; return whether it is to be tried again."""
        if item.tries + 1 >= MOST_TRIES:
            self.drop(item, why)
            return False
        self._file.execute("UPDATE item SET tries = tries + 1, why = ? WHERE id = ?", (why[:300], item.id))
        return True

    def kept(self) -> list[Kept]:
        """Return all pictures that are here, in the order they were found."""
        select = (
            "SELECT id, label, record, file, sha256, width, height, d, p, fetched FROM item WHERE state = 'kept' "
            "ORDER BY id"
        )
        return [_kept(row) for row in self._file.execute(select)]

    def reasons(self) -> list[tuple[str, int]]:
        """Return why pictures were not taken, the most frequent first; sizes and numbers of pictures are left out."""
        counts: dict[str, int] = {}
        for (why,) in self._file.execute("SELECT why FROM item WHERE state = 'dropped'"):
            short = re.sub(r"\bpicture \d+$", "another picture", re.sub(r"is \d+ x \d+ px, ", "is ", why))
            counts[short] = counts.get(short, 0) + 1
        return sorted(counts.items(), key=lambda pair: -pair[1])

    def close(self) -> None:
        """Close the file, so that another process may go on."""
        self._file.close()


def _kept(row: tuple[Any, ...]) -> Kept:
    number, label, record, file, sha256, width, height, d, p, fetched = row
    return Kept(number, label, Record.parse(record), file, sha256, width, height, int(d, 16), int(p, 16), fetched)
