"""Tell whether a result is there already: made by Reverie, from the same file, with the same settings."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverie.errors import InputError, PictureError
from reverie.media.metadata import read_settings
from reverie.settings import to_record

LOSSY = (".jpg", ".jpeg", ".webp", ".avif")
IF_GIVEN = ("precision", "tile")  # by default chosen anew for every machine, and then no reason to begin again


@dataclass(frozen=True)
class Wanted:
    """What a result would carry if it were made now.

    Attributes:
        tool: name of the tool.
        config: its settings, with the seed of this file.
        source: the file it is made from; ``None`` for noise and for what came through a pipe.
        quality: of lossy formats.
        files: settings that name files → the file, so that a changed mask or network is noticed.
        piped: name and sha256 of a picture that came through a pipe.
    """

    tool: str
    config: Any
    source: Path | None
    quality: int
    files: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    piped: tuple[str, str] | None = None

    @property
    def name(self) -> str | None:
        return self.piped[0] if self.piped else None if self.source is None else self.source.name

    @property
    def sha256(self) -> str | None:
        return self.piped[1] if self.piped else None if self.source is None else sha256_of(self.source)


def is_finished(target: Path, wanted: Wanted, *, overwrite: bool = False) -> bool:
    """Return whether `target` is finished; False if it may be made, new or over an older result of ours.

    Raises:
        InputError: the target is the source itself, or a file that is not ours to replace.
    """
    if wanted.source is not None and target.exists() and target.samefile(wanted.source):
        raise InputError(f"the result would replace its own source '{wanted.source}'; name another place with -o")
    check_apart(target, wanted.files.values())
    if overwrite or not target.exists() or target.is_dir():  # a folder is refused where it is written
        return False
    try:
        record = read_settings(target)
    except PictureError as error:
        raise InputError(f"'{target}' exists and was not made by Reverie; --overwrite replaces it") from error
    _check_ours(target, record, wanted)
    return "stopped_at_step" not in record and _same_settings(target, record, wanted) and _same_files(record, wanted)


def check_apart(target: Path, files: Iterable[Path]) -> None:
    """Refuse to write over a file that goes into the result.

    Raises:
        InputError: names it.
    """
    for file in files if target.exists() else ():
        if file.exists() and target.samefile(file):
            raise InputError(f"the result would replace '{file}', which it is made from; name another place with -o")


def _check_ours(target: Path, record: Mapping[str, Any], wanted: Wanted) -> None:
    about = record.get("input") or {}
    if record.get("tool") != wanted.tool or about.get("name") != wanted.name:
        made = f"'{about['name']}'" if about.get("name") else "noise"
        raise InputError(f"'{target}' exists, a {record.get('tool')} of {made}; --overwrite replaces it")


def _same_settings(target: Path, record: Mapping[str, Any], wanted: Wanted) -> bool:
    """Compare the settings that change the result; those an older version did not know count as their defaults."""
    stored, now = record.get("config") or {}, to_record(wanted.config)
    for field in dataclasses.fields(wanted.config):
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        value, known = now[field.name], stored.get(field.name, default)
        if not field.metadata.get("replay", True) and (field.name not in IF_GIVEN or value == default):
            continue
        if known != value and known != _without_folder(value):
            return False
    return target.suffix.lower() not in LOSSY or record.get("quality") == wanted.quality


def _without_folder(value: Any) -> Any:
    """Return a file's name as results carry it."""
    return value.replace("\\", "/").rpartition("/")[2] if isinstance(value, str) else value


def _same_files(record: Mapping[str, Any], wanted: Wanted) -> bool:
    about, stored = record.get("input") or {}, record.get("files") or {}
    if about.get("sha256") != wanted.sha256:
        return False
    for name, path in wanted.files.items():
        known = (record.get("model") or {}).get("sha256") if name == "model" else (stored.get(name) or {}).get("sha256")
        if known != sha256_of(path):
            return False
    return True


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in pieces, and once as long as the file does not change.

    Raises:
        InputError: it cannot be read.
    """
    try:
        status = path.stat()
        return _digest(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror or error}") from error


@functools.lru_cache(maxsize=64)
def _digest(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
