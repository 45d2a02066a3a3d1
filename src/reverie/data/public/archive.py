"""Large files of public collections: fetched once into the cache, resumed where they broke off, checked by md5."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reverie.data.net.client import Client, FetchError, RefusedError
from reverie.errors import OutputError, WeightsError

ATTEMPTS = 5  # without one new byte
SLACK_BYTES = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """One file.

    Attributes:
        url: where it lies.
        md5: as its publisher or the field's libraries state it; nothing else is published for these.
        size_bytes: about, as a bound and for progress.
    """

    url: str
    md5: str
    size_bytes: int

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def fetching(client: Client, file: RemoteFile, folder: Path, *, retry_s: float = 2.0) -> Iterator[int]:
    """Fetch a file into a folder, yielding the bytes that are there; nothing is asked for if it is there whole.

    Raises:
        OfflineError: the server does not deliver.
        WeightsError: what came is not the expected file; nothing is kept.
        OutputError: it cannot be written.
    """
    target = folder / file.name
    if target.is_file():
        return
    part = target.with_name(f"{target.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield from _resumed(client, file, part, retry_s)
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "md5").hexdigest()
        if digest != file.md5:
            part.unlink()
            raise WeightsError(
                f"{file.name} has md5 {digest}, expected {file.md5}; nothing was kept, the same command begins again"
            )
        os.replace(part, target)  # noqa: PTH105 - beside its fsync
    except OSError as error:
        raise OutputError(f"cannot write '{target}': {error.strerror or error}") from error


def _resumed(client: Client, file: RemoteFile, part: Path, retry_s: float) -> Iterator[int]:
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            yield from _once(client, file, part, before)
            return
        except FetchError:
            gained = (part.stat().st_size if part.exists() else 0) > before
            failures = 0 if gained else failures + 1
            if failures >= ATTEMPTS:
                raise
            time.sleep(retry_s * 2**failures)


def _once(client: Client, file: RemoteFile, part: Path, have: int) -> Iterator[int]:
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        with client.opened(file.url, headers) as answer:
            if answer.status_code == 206 and not answer.headers.get("content-range", "").startswith(f"bytes {have}-"):
                raise RefusedError(f"the server of {file.name} sends another part than was asked for")
            have = have if answer.status_code == 206 else 0
            with part.open("ab" if have else "wb") as stream:
                for piece in answer.iter_bytes():
                    have += len(piece)
                    if have > file.size_bytes + SLACK_BYTES:
                        raise RefusedError(f"{file.name} is larger than {file.size_bytes} bytes")
                    stream.write(piece)
                    yield have
                stream.flush()
                os.fsync(stream.fileno())
    except RefusedError as error:
        if error.status == 416:  # all of it is there already
            return
        raise
