"""Does an exhibition run for a day: no stall, no loss, memory flat, the disk bounded by what is kept?

Time is simulated: one visitor comes every fifteen seconds of a clock that jumps, and every picture is really uploaded,
queued, made (at a small size), written, shown on the wall and, when it is older than `--keep-minutes`, deleted. Server,
worker and visitors are in one process, so that its memory is all there is.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import httpx
from exhibition import photo
from measure import arguments, load_now, report, rss, table, target

FLAT = 1.05
LONGEST_S = 60.0  # of real time for one small picture: longer is a stall
CLEAN_EVERY_S = 60.0
EVERY_S = 15.0


class Clock:
    """The time that all of Reverie sees: of day, and between two requests."""

    def __init__(self) -> None:
        self._real, self._ahead = (time.time, time.monotonic), 0.0

    def __enter__(self) -> Self:
        of_day, between = self._real
        time.time, time.monotonic = lambda: of_day() + self._ahead, lambda: between() + self._ahead
        return self

    def __exit__(self, *_: object) -> None:
        time.time, time.monotonic = self._real

    def forward(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self._ahead += seconds


def bytes_below(folder: Path) -> int:
    """Return what the files of a folder take."""
    return sum((Path(root) / name).stat().st_size for root, _, names in os.walk(folder) for name in names)


def day(home: Path, hours: float, keep_minutes: float, side: int) -> dict[str, Any]:
    """Let visitors come for so many simulated hours; return what became of them, of memory and of the disk."""
    from starlette.testclient import TestClient

    from reverie.apps.web.studio.app import build
    from reverie.apps.web.studio.retention import clean
    from reverie.apps.web.studio.settings import StudioSettings
    from reverie.jobs.queue.home import Home
    from reverie.jobs.queue.store import Queue
    from reverie.jobs.queue.worker import Worker

    settings = StudioSettings(exhibition=True, keep_hours=keep_minutes / 60, frames=4, choices="looks")
    app = build(Home(home), settings, None)
    studio = app.state.studio
    worker = Worker(Queue(studio.home), studio.find, "cpu", 4)
    visitors, marks = round(hours * 3600 / EVERY_S), dict[int, dict[str, float]]()
    shown = longest = removed = 0.0
    cleaned = time.time()
    with Clock() as clock:
        for number in range(1, visitors + 1):
            began = time.perf_counter()
            phone = TestClient(app, base_url="http://127.0.0.1:7860")
            shown += visit(phone, worker, photo(side, number), number)
            phone.close()
            longest = max(longest, time.perf_counter() - began)
            clock.forward(EVERY_S)
            if time.time() - cleaned >= CLEAN_EVERY_S:
                cleaned = time.time()
                removed += clean(studio.queue, studio.files, settings, cleaned)
            if number % max(1, visitors // 10) == 0:
                gc.collect()
                marks[number] = {"rss_mib": rss() / 2**20, "disk_mib": bytes_below(home) / 2**20}
        worker.serve(lambda: True)
    return {
        "visitors": visitors,
        "shown": int(shown),
        "longest_s": round(longest, 2),
        "removed": int(removed),
        "marks": marks,
    }


def visit(phone: httpx.Client, worker: Any, blob: bytes, number: int) -> bool:
    """Send a picture, have it made, and look at it on the wall; whether it was there."""
    sent = phone.post(f"/api/booth/files?name=IMG_{number}.HEIC", content=blob).raise_for_status().json()
    look = next(one["id"] for one in phone.get("/api/booth/choices").json() if one["id"].startswith("translate"))
    body = {"choice": look, "sha256": sent["sha256"], "name": f"IMG_{number}.HEIC"}
    job = phone.post("/api/booth/jobs", json=body).raise_for_status().json()["id"]
    while worker.turn():
        pass
    if not phone.get(f"/api/booth/jobs/{job}").json()["made"]:
        return False
    newest = phone.get("/api/wall").json()["items"][0]
    return phone.get(newest["after"]).status_code == 200


def main() -> None:
    """Measure and report."""
    parser = arguments(__doc__, side=64)
    parser.add_argument("--hours", type=float, default=24.0, help="simulated")
    parser.add_argument("--keep-minutes", type=float, default=60.0, help="simulated, after which pictures are deleted")
    asked = parser.parse_args()
    load = load_now()
    with tempfile.TemporaryDirectory() as name:
        found = day(Path(name) / "home", asked.hours, asked.keep_minutes, asked.side)
    rows = [(number, round(mark["rss_mib"], 1), round(mark["disk_mib"], 2)) for number, mark in found["marks"].items()]
    table(("visitors", "memory MiB", "disk MiB"), rows)
    marks = list(found["marks"].values())
    kept = [mark for number, mark in found["marks"].items() if number * EVERY_S >= 60 * asked.keep_minutes] or marks
    memory = marks[-1]["rss_mib"] / marks[1]["rss_mib"]
    disk = kept[-1]["disk_mib"] / kept[0]["disk_mib"]
    targets = [
        target("visitors whose picture was on the wall", str(found["visitors"]), found["shown"],
               found["shown"] == found["visitors"]),
        target("longest real time of one visitor, s", f"< {LONGEST_S:g}", found["longest_s"],
               found["longest_s"] < LONGEST_S),
        target("memory at the end over that after a fifth", f"<= {FLAT}", round(memory, 4), memory <= FLAT),
        target("disk at the end over that when the first was deleted", "<= 1.1", round(disk, 4), disk <= 1.1),
    ]  # fmt: skip
    settings = {name: value for name, value in vars(asked).items() if name != "output"}
    report(__doc__ or "", settings, found, targets, asked.output, load)


if __name__ == "__main__":
    main()
