"""Where a result goes, by one rule for every tool.

A source and a foreign file are never replaced, whatever is asked for. A result of ours of other settings is kept and
the new one counted up (`photo-dream-2.png`), unless the user said ``--overwrite``; so is one that would take the files
beside a result in another format (`film-latents.safetensors`). What is there already, made by the same job, is not made
again.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from glob import escape
from os import fsencode
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.job import Job
from reverie.jobs.stored import stored_record
from reverie.jobs.up_to_date import up_to_date
from reverie.jobs.work import Plan
from reverie.media.suffixes import MESHES_WRITTEN, PICTURES_WRITTEN, VIDEOS_WRITTEN
from reverie.weights.file_names import LONGEST, fitted

COUNTED = re.compile(r"-(\d+)$")
MOST_COUNTED = 10_000
FORMATS = (*PICTURES_WRITTEN, *VIDEOS_WRITTEN, ".gif", *MESHES_WRITTEN)


@dataclass(frozen=True)
class Target:
    """A place to write to.

    Attributes:
        path: the place.
        finished: the result of this very job is there already.
        joined: a result lies there that this job goes on with.
        note: what was decided, for people; "" if nothing worth a line.
    """

    path: Path
    finished: bool = False
    joined: bool = False
    note: str = ""


def choose_target(
    wanted: Path, job: Job, read: Callable[[object, str], Job], *, sources: Iterable[Path] = (),
    overwrite: bool = False, home: bool = False, fresh: bool = False,
    joins: Callable[[Job, Job], bool] | None = None,
) -> Target:  # fmt: skip
    """Return where the result of a job goes, for the name that was asked for.

    Args:
        wanted: the name.
        job: what is to be made.
        read: parses a stored record, see `reverie.jobs.job.parse`.
        sources: files that go into the result.
        overwrite: replace an own result of other settings.
        home: the result lies in a folder of its own, and that is what is counted up.
        fresh: each result is another, even of the same job.
        joins: see `Tool`.

    Raises:
        InputError: the name is that of a source or of a foreign file.
    """
    check_no_source(wanted, sources)
    candidate, number, kept = wanted, 1, wanted.parent.name if home else wanted.name
    while True:
        if not candidate.exists():
            if overwrite or (owner := _owner_of_files(candidate, job, read)) is None:
                break
            kept = owner.name if number == 1 else kept
        elif candidate.is_dir() and not any(candidate.iterdir()):
            return Target(candidate)
        else:
            there = _job_of(candidate, read)
            if there is None and number == 1:
                raise InputError(f"'{candidate}' exists and {_whose(candidate)}; name another place with -o")
            if there and (overwrite or (joins is not None and joins(there, job))):
                return Target(candidate, joined=not overwrite)
            if there and not fresh and up_to_date(there, job, candidate):
                return Target(candidate, finished=True)
        number, candidate = number + 1, _next(wanted, number + 1, home)
    note = f"'{kept}' has other settings and is kept; --overwrite replaces it"
    return Target(candidate, note=note if number > 1 and not fresh else "")


def _owner_of_files(wanted: Path, job: Job, read: Callable[[object, str], Job]) -> Path | None:
    """Return a result of this tool with this name in another format, other settings, and files beside it, if any."""
    for suffix in FORMATS:
        other = wanted.with_suffix(suffix)
        if suffix == wanted.suffix or len(fsencode(other.name)) > LONGEST or not other.is_file():
            continue
        there = _job_of(other, read)
        if there is None or there.tool != job.tool or up_to_date(there, job, other):
            continue
        if any(_job_of(file, read) == there for file in wanted.parent.glob(f"{escape(wanted.stem)}-*")):
            return other
    return None


def _next(wanted: Path, number: int, home: bool) -> Path:
    """Return the name, or the folder of its own, with a number.

    Raises:
        InputError: the numbers have come to their end.
    """
    if number > MOST_COUNTED:
        raise InputError(f"'{wanted}' and {MOST_COUNTED} names after it are taken; name another place with -o")
    return _counted(wanted.parent, number) / wanted.name if home else _counted(wanted, number)


def place_beside(wanted: Path, sources: Iterable[Path]) -> Path:
    """Return where a result beside the main one goes: its name, counted up past sources and files that are not ours.

    Raises:
        InputError: the numbers have come to their end.
    """
    known, candidate, number = list(sources), wanted, 1
    while candidate.exists() and not _may_be_replaced(candidate, known):
        number += 1
        candidate = _next(wanted, number, home=False)
    return candidate


def _may_be_replaced(path: Path, sources: Iterable[Path]) -> bool:
    """Tell whether a place is that of a result of ours that nothing is made from, or of nothing at all."""
    try:
        check_no_source(path, sources)
        if path.is_dir():
            return not any(path.iterdir()) or bool(stored_record(path))
        check_no_foreign(path)
    except InputError:
        return False
    return True


def place_for(
    path: Path, record: Mapping[str, object], *, sources: Iterable[Path] = (), overwrite: bool = False
) -> Target:
    """Return where a program's result goes: `choose_target` for a record that no tool of the registry need know.

    What was made before with another record is kept and the new one counted up; the same record is the same result.

    Raises:
        InputError: the name is that of a source or of a foreign file.
    """
    check_no_source(path, sources)
    candidate, number = path, 1
    while candidate.is_file() and candidate.stat().st_size:
        check_no_foreign(candidate)
        if overwrite or _plain(stored_record(candidate)) == _plain(record):
            break
        number += 1
        candidate = _counted(path, number)
    kept = f"'{path.name}' has other settings and is kept; overwrite=True replaces it" if number > 1 else ""
    return Target(candidate, note=kept)


def say(target: Target, notes: list[str]) -> None:
    """Tell a program's user what was decided about a place, as a warning and among the notes of the work."""
    if target.note:
        notes.append(target.note)
        warnings.warn(target.note, stacklevel=4)


def _plain(record: Mapping[str, object]) -> object:
    """Return a record as it comes back from a file."""
    return json.loads(json.dumps(record))


def _counted(path: Path, number: int) -> Path:
    return path.with_name(fitted(COUNTED.sub("", path.stem), f"-{number}{path.suffix}"))


def _whose(path: Path) -> str:
    """Say why a file is not replaced."""
    if path.suffix.lower() == ".safetensors":
        from reverie.weights.checkpoint import is_described

        if is_described(path):
            return "holds a network of an earlier version, which is kept"
    return "was not made by Reverie"


def check_no_source(target: Path, sources: Iterable[Path]) -> None:
    """Refuse to write over a file that goes into the result.

    Raises:
        InputError: names it.
    """
    for source in sources if target.exists() else ():
        if source.exists() and target.samefile(source):
            raise InputError(f"the result would replace '{source}', which it is made from; name another place with -o")


def check_no_foreign(target: Path) -> None:
    """Refuse to write over a file that is no result of ours.

    Raises:
        InputError: names it.
    """
    if target.is_file() and target.stat().st_size:
        try:
            stored_record(target)
        except InputError:
            raise InputError(f"'{target}' exists and was not made by Reverie; name another place") from None


def check_format(plan: Plan, path: Path) -> None:
    """Refuse before long work a format that this very work cannot be written in.

    Raises:
        InputError: names the formats that it can.
    """
    if plan.suffixes and path.suffix.lower() not in plan.suffixes:
        known = ", ".join(plan.suffixes)
        raise InputError(f"cannot write '{path}': {plan.because} {known}")


def _job_of(path: Path, read: Callable[[object, str], Job]) -> Job | None:
    """Return the job of a result of ours; None if it is a file of somebody else's, or of a version that is not read."""
    try:
        return read(stored_record(path), f"the settings inside '{path.name}'")
    except InputError:
        return None
