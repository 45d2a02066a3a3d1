"""Inputs of queued jobs: kept by content, found by sha256, named as the user named them.

A job says name and sha256 of what goes in, and never where it lies; so it can be posted by a browser, and the result
of one job is the input of the next without being sent again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Self

from reverie.errors import InputError, OutputError, ReverieError
from reverie.jobs.given import sha256_of
from reverie.jobs.job import SHA256
from reverie.jobs.queue.database import Database
from reverie.jobs.queue.entry import MissingError, Stored
from reverie.jobs.queue.home import Home
from reverie.media.suffixes import KINDS, PICTURES

LEAST_FREE_BYTES = 512 << 20  # of the disk, which results need
MOST_TEXT_BYTES = 4 << 20
PLACE = re.compile(r"""(?:^|[\s:=\[{,"'])(?:/\w|~/|\.\.[/\\]|[A-Za-z]:[/\\])""", re.MULTILINE)
MOST_NAME = 120  # characters that are kept of a name


class FileStore:
    """Files by content.

    Args:
        home: where they lie.
        database: what is known of them.
        max_pixels: of a picture; larger ones are refused before they are decoded.
    """

    def __init__(self, home: Home, database: Database, *, max_pixels: int = 100_000_000) -> None:
        self._home, self._database, self._max_pixels = home, database, max_pixels

    def receive(self, pieces: Iterable[bytes], name: str, *, owner: str = "terminal", most_bytes: int) -> Stored:
        """Keep what comes in pieces.

        Raises:
            InputError: it is empty, too large, of no known kind, or no such picture.
            OutputError: no space.
        """
        with self.incoming(most_bytes) as incoming:
            for piece in pieces:
                incoming.add(piece)
            return self.keep(incoming, name, owner=owner)

    def incoming(self, most_bytes: int) -> Incoming:
        """Return a file that grows piece by piece; a context manager.

        Raises:
            OutputError: the disk is nearly full.
        """
        if shutil.disk_usage(self._home.incoming).free < LEAST_FREE_BYTES:
            raise OutputError("the disk is nearly full; nothing is taken until there is room")
        return Incoming(self._home.incoming, most_bytes)

    def keep(self, incoming: Incoming, name: str, *, owner: str = "terminal") -> Stored:
        """Keep what has come in, under its content.

        Raises:
            InputError: it is empty, of no known kind, or no such picture.
        """
        name = plain_name(name)
        suffix = Path(name).suffix.lower()
        kind = kind_of(suffix)
        if not incoming.bytes:
            raise InputError(f"'{name}' is empty")
        path = incoming.close()
        if kind == "text":
            _check_text(path, name)
        size = self._looked_at(path, name) if suffix in PICTURES and kind == "picture" else (None, None)
        digest = incoming.sha256
        path.replace(self._home.files / f"{digest}{suffix}")
        return self._noted(Stored(digest, name, suffix, kind, incoming.bytes, *size, owner, time.time()))

    def adopt(self, path: Path, *, owner: str = "terminal") -> Stored:
        """Keep a copy of a file or folder of this machine.

        Raises:
            InputError: it cannot be read, or is of no known kind.
        """
        if path.is_dir():
            return self._adopted_folder(path, owner)
        try:
            with path.open("rb") as file:
                return self.receive(_pieces(file), path.name, owner=owner, most_bytes=1 << 50)
        except OSError as error:
            raise InputError(f"'{path}' cannot be read: {error.strerror or error}") from error

    def bundle(self, digests: Sequence[str], name: str, *, owner: str = "terminal") -> Stored:
        """Make one folder of several kept files, as tools need that learn from pictures.

        Raises:
            InputError: one is not there.
        """
        part = Path(tempfile.mkdtemp(dir=self._home.incoming))
        try:
            for number, digest in enumerate(digests):
                item = self.known(digest)
                os.link(self._place(item), part / f"{number:05d}-{item.name}")
            return self._folder_kept(part, plain_name(name), owner)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def known(self, digest: str) -> Stored:
        """Return what is known of a file.

        Raises:
            InputError: there is none of this content.
        """
        with self._database.reading() as db:
            row = db.execute("SELECT * FROM files WHERE sha256 = ?", (digest,)).fetchone()
        if row is None:
            raise MissingError("there is no such file here; send it first")
        return Stored(**dict(row))

    def path(self, digest: str) -> Path:
        """Return where a content lies: an input, or a result of an earlier job.

        Raises:
            InputError: there is none of this content.
        """
        if not SHA256.fullmatch(digest):
            raise InputError("that is no sha256")
        with self._database.reading() as db:
            row = db.execute("SELECT * FROM files WHERE sha256 = ?", (digest,)).fetchone()
            if row is not None:
                return self._place(Stored(**dict(row)))
            row = db.execute("SELECT job, name FROM results WHERE sha256 = ?", (digest,)).fetchone()
        if row is None:
            raise MissingError("there is no such file here; send it first")
        return self._home.result(row["job"]) / row["name"]

    def touch(self, digests: Iterable[str]) -> None:
        """Note that files are in use, so that they are kept longer."""
        with self._database.writing() as db:
            db.executemany("UPDATE files SET used = ? WHERE sha256 = ?", [(time.time(), d) for d in digests])

    def unused_since(self, moment: float) -> list[Stored]:
        """Return files that nobody has used since."""
        with self._database.reading() as db:
            return [Stored(**dict(row)) for row in db.execute("SELECT * FROM files WHERE used < ?", (moment,))]

    def forget(self, item: Stored) -> None:
        """Remove a file."""
        with self._database.writing() as db:
            db.execute("DELETE FROM files WHERE sha256 = ?", (item.sha256,))
        place = self._place(item)
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _looked_at(self, path: Path, name: str) -> tuple[int, int]:
        """Return width and height from the header of a picture; nothing is decoded."""
        from reverie.media.source import open_picture, opened_file, reading

        with opened_file(path, name) as (_, stream), reading(name):
            width, height = open_picture(stream, name, self._max_pixels).size
        return width, height

    def _place(self, item: Stored) -> Path:
        return self._home.files / f"{item.sha256}{item.suffix}"

    def _noted(self, item: Stored) -> Stored:
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO files (sha256, name, suffix, kind, bytes, width, height, owner, used) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET used = excluded.used",
                (item.sha256, item.name, item.suffix, item.kind, item.bytes, item.width, item.height, item.owner,
                 item.used),
            )  # fmt: skip
        first = self.known(item.sha256)
        if first.suffix != item.suffix:  # the same bytes under two suffixes: one file, and the first name for it
            (self._home.files / f"{item.sha256}{item.suffix}").replace(self._place(first))
        return replace(first, name=item.name) if first.suffix == item.suffix else first

    def _adopted_folder(self, path: Path, owner: str) -> Stored:
        part = Path(tempfile.mkdtemp(dir=self._home.incoming))
        try:
            shutil.copytree(path, part, dirs_exist_ok=True)
            return self._folder_kept(part, plain_name(path.name), owner)
        except OSError as error:
            raise InputError(f"'{path}' cannot be copied: {error.strerror or error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _folder_kept(self, part: Path, name: str, owner: str) -> Stored:
        digest = sha256_of(part)
        place = self._home.files / digest
        if not place.exists():
            part.replace(place)
            place.chmod(0o755)
        size = sum(p.stat().st_size for p in place.rglob("*") if p.is_file())
        return self._noted(Stored(digest, name, "", "folder", size, None, None, owner, time.time()))


class Incoming:
    """A file that grows piece by piece and is hashed on its way; removed unless it was kept."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        handle, path = tempfile.mkstemp(dir=folder)
        self._file, self._path, self._most = os.fdopen(handle, "wb"), Path(path), most_bytes
        self._digest, self.bytes = hashlib.sha256(), 0

    def add(self, piece: bytes) -> None:
        """Take one more piece.

        Raises:
            InputError: it is more than allowed.
            OutputError: no space.
        """
        self.bytes += len(piece)
        if self.bytes > self._most:
            raise InputError(f"the file is larger than {self._most >> 20} MB, which is the most that is taken here")
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise OutputError(f"the file cannot be kept: {error.strerror or error}") from error

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def close(self) -> Path:
        """Finish the file and return where it lies for now."""
        self._file.close()
        return self._path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def plain_name(name: str) -> str:
    """Return a name without folders and without characters that no file name should have."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    bare = re.sub(r"[\x00-\x1f\x7f<>:\"|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069]", "", bare).strip(" .")
    stem, suffix = Path(bare).stem, Path(bare).suffix
    return f"{stem[: MOST_NAME - len(suffix)]}{suffix}" if stem else f"file{suffix[:16]}"


def _check_text(path: Path, name: str) -> None:
    """Refuse a text that names places of the machine: whoever reads it would go there.

    Raises:
        InputError: it does, or is no text.
    """
    blob = path.read_bytes()[: MOST_TEXT_BYTES + 1]
    try:
        text = blob.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"'{name}' is no text") from error
    if len(blob) > MOST_TEXT_BYTES:
        raise InputError(f"'{name}' is larger than {MOST_TEXT_BYTES >> 20} MB, too large for a text")
    if PLACE.search(text.replace("://", ":")):
        raise InputError(f"'{name}' names a place on this machine; name files by their bare names")


def kind_of(suffix: str) -> str:
    """Return the kind of a file by its suffix.

    Raises:
        InputError: none that a tool takes.
    """
    if suffix not in KINDS:
        raise InputError(f"files ending in '{suffix or 'nothing'}' are not taken; known: {' '.join(sorted(KINDS))}")
    return KINDS[suffix]


def clear_incoming(home: Home, older_than_s: float = 3600.0) -> None:
    """Remove what was never received whole."""
    for path in home.incoming.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - older_than_s:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def size_of(path: Path, kind: str, max_pixels: int = 400_000_000) -> tuple[int | None, int | None]:
    """Return width and height of a picture from its header; None for anything else."""
    from reverie.media.source import open_picture, opened_file, reading

    if kind != "picture":
        return None, None
    with suppress(ReverieError), opened_file(path) as (label, stream), reading(label):
        width, height = open_picture(stream, label, max_pixels).size
        return width, height
    return None, None


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(1 << 20):
        yield piece
