"""What the queue knows of a job, its results and its workers: typed rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reverie.errors import InputError
from reverie.jobs.job import Json

State = Literal["queued", "running", "paused", "done", "stopped", "failed", "cancelled", "deleted"]
Wish = Literal["", "pause", "stop", "cancel"]


class MissingError(InputError):
    """There is no such job, result or file."""


OPEN: tuple[State, ...] = ("queued", "running", "paused")
ENDED: tuple[State, ...] = ("done", "stopped", "failed", "cancelled")


@dataclass(frozen=True)
class Result:
    """One file that a job made.

    Attributes:
        id: cannot be guessed; what a browser knows it by.
        name: of the file in the job's folder of results.
        kind: "picture", "film", "mesh", "network", "table", "page", "folder" or "file".
        shown: "" while nobody decided, "yes" or "no": whether it may be shown in public.
    """

    id: str
    job: str
    position: int
    name: str
    kind: str
    sha256: str
    bytes: int
    width: int | None
    height: int | None
    favourite: bool
    shown: str
    created: float


@dataclass(frozen=True)
class Entry:
    """One job in the queue.

    Attributes:
        number: order of arrival.
        owner: who added it: an opaque name of a browser, or "terminal".
        title: for people: the name of its input.
        suffix: of the main result.
        wish: what somebody asked of a job that is not over.
        attempts: how many workers took it up.
        worker: who has it now.
        text: the last line: how it ended, or why it failed.
        compare: id of an earlier result whose bytes the new one should have.
        once: a word of the owner's: a job that is added twice with the same one is there once.
    """

    number: int
    id: str
    owner: str
    tool: str
    record: Mapping[str, Json]
    title: str
    suffix: str
    priority: int
    state: State
    wish: Wish
    attempts: int
    worker: str
    text: str
    compare: str
    once: str
    created: float
    started: float | None
    ended: float | None
    seconds: float | None
    changed: int
    results: tuple[Result, ...] = ()


@dataclass(frozen=True)
class Made:
    """A result as a worker reports it."""

    name: str
    kind: str
    sha256: str
    bytes: int
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Stored:
    """An input that was given to the queue: found by content."""

    sha256: str
    name: str
    suffix: str
    kind: str
    bytes: int
    width: int | None
    height: int | None
    owner: str
    used: float


def entry_of(row: sqlite3.Row, results: tuple[Result, ...] = ()) -> Entry:
    """Return a row as an entry."""
    values = dict(row)
    values["record"] = json.loads(values["record"])
    return Entry(**values, results=results)


def result_of(row: sqlite3.Row) -> Result:
    """Return a row as a result."""
    values = dict(row)
    values["favourite"] = bool(values["favourite"])
    return Result(**values)
