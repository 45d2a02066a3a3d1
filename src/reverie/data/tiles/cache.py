"""Tiles on disk: asked for once, kept as long as the server says, then asked whether they have changed.

Source: RFC 9111 (max-age), RFC 9110 (ETag, If-None-Match, 304); tile servers ask for at least seven days.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from reverie.data.net.client import Client, FetchError
from reverie.weights.atomic import write_bytes

WEEK_S = 7 * 86400.0
MOST_BYTES = 4 << 20  # of a tile
MAX_AGE = re.compile(r"max-age=(\d+)")


class TileCache:
    """Tiles of one provider below a folder.

    Args:
        folder: made when the first tile is there.
        clock: seconds since 1970.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock
        self.asked = self.stale = 0  # requests sent; old tiles used because the server did not answer

    def path(self, zoom: int, column: int, row: int) -> Path:
        """Return where a tile lies; its headers lie beside it in a .json."""
        return self._folder / str(zoom) / str(column) / f"{row}.tile"

    def fresh(self, zoom: int, column: int, row: int) -> bytes | None:
        """Return a tile that need not be asked for; None if it must be."""
        path = self.path(zoom, column, row)
        about = _about(path)
        return _read(path) if float(about.get("until", 0.0)) > self._clock() else None

    def fetch(self, client: Client, url: str, zoom: int, column: int, row: int, pause_s: float) -> bytes:
        """Return a tile from the server, or the old one where that has not changed or does not answer.

        Raises:
            RefusedError: the server has none.
            FetchError: it does not answer, and there is no old one.
        """
        path = self.path(zoom, column, row)
        about, old = _about(path), _read(path)
        headers: dict[str, str] = {}
        if old is not None and about.get("etag"):
            headers["If-None-Match"] = str(about["etag"])
        elif old is not None and about.get("modified"):
            headers["If-Modified-Since"] = str(about["modified"])
        try:
            self.asked += 1
            answer = client.conditional(url, headers, MOST_BYTES, pause_s)
        except FetchError:
            if old is None:
                raise
            self.stale += 1
            return old
        age = MAX_AGE.search(answer.headers.get("cache-control", ""))
        until = self._clock() + max(WEEK_S, float(age[1]) if age else 0.0)
        kept = {"until": until, "etag": answer.headers.get("etag") or about.get("etag", ""),
                "modified": answer.headers.get("last-modified") or about.get("modified", "")}  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        blob = old if answer.status == 304 and old is not None else answer.content
        if answer.status != 304:
            write_bytes(path, blob)
        write_bytes(path.with_suffix(".json"), json.dumps(kept).encode())
        return blob


def _about(path: Path) -> dict[str, float | str]:
    try:
        found = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
