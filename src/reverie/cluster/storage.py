"""Files at URLs, through fsspec: s3://, gcs://, file:// and whatever else is installed.

Keys and addresses come from the environment of every machine, as the stores' own programs take them
(AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS, ...); none stands in a job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from reverie.errors import InputError

MOST_BYTES = 64 << 30  # of one file that is fetched


def is_url(text: str) -> bool:
    """Tell whether a text is an address and no path."""
    return "://" in text


def listed(url: str, suffixes: Sequence[str], *, recursive: bool = False) -> list[tuple[str, str]]:
    """Return address and name below `url` of every file with one of these suffixes, or of the file itself.

    Raises:
        InputError: there is none, or the store does not answer.
    """
    with _plainly(url):
        fs, root = _opened(url)
        root = root.rstrip("/")
        if fs.isfile(root):
            return [(url, root.rpartition("/")[2])]
        found = fs.find(root, maxdepth=None if recursive else 1)
        names = [(fs.unstrip_protocol(path), path[len(root) :].lstrip("/")) for path in sorted(found)]
    names = [(address, name) for address, name in names if name.lower().endswith(tuple(suffixes))]
    names = [(address, name) for address, name in names if not any(p.startswith(".") for p in name.split("/"))]
    if not names:
        raise InputError(f"no pictures at '{url}'" + ("" if recursive else "; --recursive looks into its folders"))
    return names


def exists(url: str) -> bool:
    """Tell whether a file is there.

    Raises:
        InputError: the store does not answer.
    """
    with _plainly(url):
        fs, path = _opened(url)
        return bool(fs.exists(path))


def fetch(url: str, place: Path) -> Path:
    """Copy a file to this machine and return its place.

    Raises:
        InputError: it is not there, or too large.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with _plainly(url):
        fs, path = _opened(url)
        if (size := int(fs.size(path) or 0)) > MOST_BYTES:
            raise InputError(f"'{url}' has {size} bytes; at most {MOST_BYTES} are fetched")
        fs.get_file(path, str(place))
    return place


def put(place: Path, url: str) -> None:
    """Copy a file to a URL, whole or not at all: stores do so by themselves, file systems by another name first.

    Raises:
        InputError: it cannot be written.
    """
    with _plainly(url):
        fs, path = _opened(url)
        if "file" not in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)):
            fs.put_file(str(place), path)
            return
        fs.makedirs(str(Path(path).parent), exist_ok=True)
        part = Path(path).with_name(f".{Path(path).name}.{uuid4().hex[:8]}.part")
        fs.put_file(str(place), str(part))
        part.replace(path)


def _opened(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise InputError(f"'{url}' needs fsspec; pip install 'reverie[cluster]'") from error
    return fsspec.core.url_to_fs(url)


@contextmanager
def _plainly(url: str) -> Iterator[None]:
    """Say in one sentence what a store says in many."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, ImportError) as error:
        what = "there is no such file or bucket" if isinstance(error, FileNotFoundError) else str(error)
        raise InputError(f"'{url}' cannot be used: {' '.join(what.split())[:300]}") from error
