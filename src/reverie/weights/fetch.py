"""Download weights when asked to, into a cache, and check them; nothing else in the package touches the network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from reverie.errors import OfflineError, WeightsError, unknown_name
from reverie.weights.atomic import whole_file
from reverie.weights.catalogue import CATALOGUE, Weights

Progress = Callable[[int, int], None]

CONNECT_S, READ_S = 10.0, 60.0
SLACK_BYTES = 1 << 20  # a file may be this much larger than the catalogue says before the download is cut off


def cache_dir() -> Path:
    """Return the folder of fetched files: ``REVERIE_HOME``, or the user's cache folder; it may not exist yet."""
    home = os.environ.get("REVERIE_HOME")
    if home:
        return Path(home).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("reverie", appauthor=False))


def cached(name: str) -> Path | None:
    """Return the file of a catalogue entry if it lies in the cache.

    Raises:
        WeightsError: a name that is not in the catalogue.
    """
    path = _target(_record(name))
    return path if path.is_file() else None


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Return the file of a catalogue entry, downloaded and checked unless it is there already.

    `progress` is called with the bytes received and the bytes expected.

    Raises:
        WeightsError: a name that is not in the catalogue, or bytes that are not the expected ones.
        OfflineError: no connection, an HTTP error, or an incomplete answer.
        OutputError: the cache cannot be written to.
    """
    record = _record(name)
    target = _target(record)
    if target.is_file():
        return target
    kind, digits = record.check
    with whole_file(target, folder=True) as file:
        digest, received = hashlib.new(kind, usedforsecurity=False), 0
        for piece in _download(record, target, progress):
            file.write(piece)
            digest.update(piece)
            received += len(piece)
        found = digest.hexdigest()
        if not digits or not found.startswith(digits) or (kind == "sha1" and received != record.size_bytes):
            raise WeightsError(
                f"the file from {record.url} has {kind} {found[:16]}... and {received} bytes, expected "
                f"{digits}...; nothing was kept, try again later"
            )
    return target


def _record(name: str) -> Weights:
    if name not in CATALOGUE:
        raise WeightsError(unknown_name("weights in the catalogue", name, CATALOGUE))
    return CATALOGUE[name]


def _target(record: Weights) -> Path:
    return cache_dir() / "weights" / record.file_name


def _download(record: Weights, target: Path, progress: Progress | None) -> Iterator[bytes]:
    """Yield the body in pieces; every failure of the network or the server becomes one sentence."""
    import httpx

    by_hand = f"to use it offline, place that file at '{target}'"
    received, bound = 0, record.size_bytes + SLACK_BYTES
    try:
        timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
        plain = {"Accept-Encoding": "identity"}  # the hash is of the file, not of what a proxy made of it
        with httpx.stream("GET", record.url, headers=plain, follow_redirects=True, timeout=timeout) as answer:
            if answer.status_code != 200:
                raise OfflineError(f"{record.url} answered {answer.status_code} {answer.reason_phrase}; {by_hand}")
            expected = int(answer.headers.get("content-length", record.size_bytes))
            for piece in answer.iter_bytes(1 << 18):
                received += len(piece)
                if received > bound:
                    raise WeightsError(f"{record.url} sends more than {record.size_bytes} bytes; nothing was kept")
                yield piece
                if progress is not None:
                    progress(received, expected)
    except httpx.HTTPError as error:
        reason = str(error).strip() or type(error).__name__
        raise OfflineError(f"cannot download {record.url} ({reason}); {by_hand}") from error
