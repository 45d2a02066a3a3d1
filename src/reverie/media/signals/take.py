"""Takes: a live session as lines of JSON, to be played again as an input and to be rendered again.

{"take": 1, "about": {...}}                   the first line; what was played, for whoever renders it again
{"t": 0.016, "v": {"mouse x": 0.4}}           inputs that changed, and when, in seconds from the beginning
{"t": 2.5, "cue": "jellyfish"}                what happened
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverie.errors import InputError, OutputError
from reverie.media.signals.board import MOST_NAME, MOST_NAMES, Board

VERSION = 1
MOST_BYTES = 512 << 20
MOST_LINE = 1 << 20
MOST_S = 7 * 86_400.0


@dataclass
class Take:
    """What was played.

    Attributes:
        about: what it was played with: tool, settings, the map's text.
        samples: (seconds, {input: value}), in order.
        cues: (seconds, word), in order.
        length_s: how long it took.
    """

    about: Mapping[str, Any] = field(default_factory=dict)
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    cues: list[tuple[float, str]] = field(default_factory=list)
    length_s: float = 0.0

    def encoded(self) -> bytes:
        """Return the file's bytes."""
        return "".join(self._lines()).encode()

    def onto(self, board: Board, until_s: float, start: int = 0) -> int:
        """Put all samples before a time on a board, from number `start` on; return the number of the next."""
        number = start
        while number < len(self.samples) and self.samples[number][0] <= until_s:
            time_s, values = self.samples[number]
            for name, value in values.items():
                board.put(name, value, time_s)
            number += 1
        return number

    def _lines(self) -> Iterator[str]:
        yield _line({"take": VERSION, "about": self.about, "length_s": round(self.length_s, 4)})
        events: list[tuple[float, dict[str, Any]]] = [(t, {"v": values}) for t, values in self.samples]
        events += [(t, {"cue": word}) for t, word in self.cues]
        for time_s, event in sorted(events, key=lambda pair: pair[0]):
            yield _line({"t": round(time_s, 4)} | event)


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


class TakeRecorder:
    """Notes what changes on a board, once for each frame; where it has a file, each line is there at once.

    Args:
        about: see `Take`.
        file: what a crash leaves of the session, which reads as a whole one does; removed by `saved`.
    """

    def __init__(self, about: Mapping[str, Any], file: Path | None = None) -> None:
        self.take = Take(about)
        self._seen: dict[str, float] = {}
        self._path, self._file = file, None

    def begin(self) -> None:
        """Open the file.

        Raises:
            OutputError: it cannot be written, here and later.
        """
        if self._path is not None and self._file is None:
            with _writing(self._path):
                self._file = self._path.open("x", encoding="utf-8", buffering=1)  # a line at a time
            self._write({"take": VERSION, "about": self.take.about})

    def note(self, board: Board, time_s: float, start_s: float) -> None:
        """Note the inputs that came since the last time; `start_s` is the board's time of the beginning."""
        values = {}
        for name, sample in board.all().items():
            if self._seen.get(name) != sample.time_s:
                self._seen[name] = sample.time_s
                values[name] = round(sample.value, 6)
        self.take.length_s = time_s - start_s
        if values:
            self.take.samples.append((time_s - start_s, values))
            self._write({"t": round(time_s - start_s, 4), "v": values})

    def cue(self, word: str, time_s: float, start_s: float) -> None:
        """Note what happened."""
        self.take.cues.append((time_s - start_s, word))
        self._write({"t": round(time_s - start_s, 4), "cue": word})

    def saved(self) -> None:
        """Remove the file: the session is kept elsewhere, whole."""
        self.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file, which stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._file is not None and self._path is not None:
            with _writing(self._path):
                self._file.write(_line(entry))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write '{path}': {error.strerror or error}") from error


def unfinished(target: Path) -> Path:
    """Return a free name beside a session's, for what a crash leaves of it."""
    number, suffix = 1, ""
    while (found := target.with_name(f"{target.stem}-unfinished{suffix}.jsonl")).exists():
        number, suffix = number + 1, f"-{number + 1}"
    return found


def read_take(path: Path) -> Take:
    """Read a take.

    Raises:
        InputError: missing, too large, or no take; a last line that was cut short is left out.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"'{path}' is larger than a recorded session can be")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"cannot read the session '{path}': {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"'{path}' holds no recorded session") from error
    return parse_take(text.splitlines(), path.name)


def parse_take(lines: Iterable[str], name: str = "session") -> Take:
    """Return the take of lines of JSON.

    Raises:
        InputError: they are none.
    """
    rows = list(lines)
    head = _entry(rows[0]) if rows else None
    if head is None or head.get("take") != VERSION or not isinstance(head.get("about", {}), dict):
        raise InputError(f"'{name}' holds no recorded session; 'reverie latent live' writes them")
    take, known = Take(head.get("about", {})), set[str]()
    for number, row in enumerate(rows[1:], 2):
        entry = _entry(row)
        if entry is None and number == len(rows):
            break  # the program was killed while it wrote
        if entry is None or not _is_time(entry.get("t")):
            raise InputError(f'\'{name}\', line {number}: expected {{"t": seconds, "v": {{input: value}}}}')
        time_s = float(entry["t"])
        if take.samples and time_s < take.samples[-1][0]:
            raise InputError(f"'{name}', line {number}: time runs backwards")
        values = entry.get("v")
        if isinstance(values, dict):
            kept = {k: float(v) for k, v in values.items() if len(k) <= MOST_NAME and _is_number(v)}
            known.update(kept)
            if len(known) > MOST_NAMES:
                raise InputError(f"'{name}' has more than {MOST_NAMES} inputs")
            take.samples.append((time_s, kept))
        elif isinstance(entry.get("cue"), str):
            take.cues.append((time_s, entry["cue"][:MOST_NAME]))
        take.length_s = max(take.length_s, time_s)
    told = head.get("length_s")
    take.length_s = max(take.length_s, float(told) if told is not None and _is_time(told) else 0.0)
    return take


def _entry(row: str) -> dict[str, Any] | None:
    try:
        found = json.loads(row) if len(row) <= MOST_LINE else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value: object) -> bool:
    return _is_number(value) and 0 <= float(value) <= MOST_S  # type: ignore[arg-type]
