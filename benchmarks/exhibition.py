"""How long do visitors of an exhibition wait, from the photo on their phone to the wall?

Thirty visitors come, four a minute, each with a HEIC of 1024 px that nobody sent before; they choose in turn from both
kinds of looks that a wall is started with, paintings (one pass of the any-style network) and dreams, at the
sizes of a wall where nobody says one. Then some come two
at once. Each wait is from the first byte of the upload until a screen has fetched the result from the wall, all in:
upload, decoding, queue, work, writing, the picture for the screen. Servers, workers and visitors share this machine, on
its own clock: the usual run takes nine minutes.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from measure import arguments, environment, load_now, report, summary, table, target
from PIL import Image
from studio import free_port

AIM_S = 15.0
LOOK_S = 0.25  # how often the wall's page asks
START_S = 120.0
MOST_S = 300.0  # after which a visitor has gone
PASSWORD = "benchmark"
PRESETS = ("artists", "dreams")


class Wall:
    """A server of an exhibition in a process of its own."""

    def __init__(self, preset: str, home: Path, paintings: Path, size: int, looks: str) -> None:
        self.preset, self.looks, self.port = preset, looks, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable, "-m", "reverie", "wall", "--port", str(self.port), "--host", "127.0.0.1",
            "--home", str(home), "--preset", preset, "--artists", str(paintings),
            "--keep-hours", "1", *(["--size", str(size)] if size else []),
        ]  # fmt: skip
        env = {**os.environ, **environment(), "REVERIE_PASSWORD": PASSWORD}
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=env)
        until = time.monotonic() + START_S
        while True:
            try:
                found = httpx.get(f"{self.base}/api/booth/choices", timeout=30).raise_for_status().json()
                break
            except httpx.HTTPError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise SystemExit(f"the wall did not start with {' '.join(command[3:])}") from None
                time.sleep(0.1)
        self.choices = [one["id"] for one in found if looks in one["id"] or preset == "artists"]

    def visit(self, photo: bytes, number: int) -> float:
        """Send a photo and wait until a screen has its result; return the seconds."""
        began = time.perf_counter()
        with (
            httpx.Client(base_url=self.base, timeout=60) as phone,
            httpx.Client(base_url=self.base, timeout=60) as screen,
        ):
            name = f"IMG_{number:04d}.HEIC"
            sent = phone.post(f"/api/booth/files?name={name}", content=photo).raise_for_status().json()
            choice = self.choices[number % len(self.choices)]
            body = {"choice": choice, "sha256": sent["sha256"], "name": name}
            job = phone.post("/api/booth/jobs", json=body).raise_for_status().json()["id"]
            while True:
                if time.perf_counter() - began > MOST_S:
                    return float("inf")
                state = phone.get(f"/api/booth/jobs/{job}").json()
                if state["state"] == "failed":
                    raise SystemExit(f"a visitor's picture failed: {state['text']}")
                if state["made"]:
                    items = screen.get("/api/wall").json()["items"]
                    mine = next((one for one in items if one["id"] == _result(phone, job)), None)
                    if mine is not None:
                        screen.get(mine["after"]).raise_for_status()
                        return time.perf_counter() - began
                time.sleep(LOOK_S)

    def stop(self) -> None:
        """End it in order."""
        self.process.terminate()
        self.process.wait()


def _result(phone: httpx.Client, job: str) -> str:
    """Return the id of a job's result, as somebody with the password sees it."""
    answer = phone.get(f"/api/jobs/{job}", headers={"Authorization": f"Bearer {PASSWORD}"})
    return answer.raise_for_status().json()["results"][0]["id"]


def photo(side: int, seed: int) -> bytes:
    """Return a picture like a phone's, as HEIC: smooth shapes with edges and grain."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    rng, size = np.random.default_rng(seed), (side, side * 3 // 4)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    edges = Image.fromarray(rng.integers(0, 256, (18, 24, 3), dtype=np.uint8)).resize(size, Image.Resampling.NEAREST)
    mixed = np.asarray(Image.blend(small, edges, 0.3), int) + rng.integers(-6, 7, (size[1], size[0], 3))
    out = io.BytesIO()
    Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).save(out, "HEIF", quality=80)
    return out.getvalue()


def paintings(folder: Path) -> None:
    """Write some pictures to paint like, where none were named."""
    for number in range(3):
        rng = np.random.default_rng(100 + number)
        y, x = np.mgrid[0:512, 0:512] / 512
        waves = [np.sin(2 * np.pi * (rng.integers(2, 20) * x + rng.integers(2, 20) * y)) for _ in range(3)]
        picture = (127 + 120 * np.stack(waves, -1) * rng.uniform(0.3, 1, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"painting{number}.png")


def arrivals(walls: list[Wall], photos: list[bytes], every_s: float, at_once: int) -> dict[str, list[float]]:
    """Let visitors come, so many at once and so many seconds apart; return how long each waited, by preset."""
    waits: dict[str, list[float]] = {wall.preset: [] for wall in walls}
    threads: list[threading.Thread] = []
    began = time.monotonic()
    for group, first in enumerate(range(0, len(photos), at_once)):
        time.sleep(max(0.0, began + group * every_s - time.monotonic()))
        wall = walls[group % len(walls)]
        for number in range(first, min(first + at_once, len(photos))):

            def visit(wall: Wall = wall, number: int = number) -> None:
                waits[wall.preset].append(wall.visit(photos[number], number))

            threads.append(threading.Thread(target=visit))
            threads[-1].start()
    for thread in threads:
        thread.join()
    return waits


def about(waits: list[float]) -> dict[str, Any]:
    """Return median, 95th percentile and longest of some waits."""
    more = {"p95": round(float(np.percentile(waits, 95)), 3), "longest": round(max(waits), 3), "visitors": len(waits)}
    return {**summary(waits), **more}


def main() -> None:
    """Measure and report."""
    parser = arguments(__doc__, visitors=30, pairs=6, side=1024, size=0)
    parser.add_argument("--every", type=float, default=15.0, help="seconds from one visitor to the next")
    parser.add_argument("--paintings", type=Path, help="a folder of paintings; some are drawn if absent")
    parser.add_argument("--look", default="", help="part of the id of the dreams' looks that are chosen")
    asked = parser.parse_args()
    load = load_now()
    photos = [photo(asked.side, seed) for seed in range(asked.visitors + 2 * asked.pairs)]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        own = asked.paintings
        if own is None:
            own = place / "paintings"
            own.mkdir()
            paintings(own)
        walls = [Wall(preset, place / preset, own, asked.size, asked.look) for preset in PRESETS]
        for wall in walls:  # the first picture opens the network: an exhibition does that before its doors
            for number in range(len(wall.choices[:1])):
                wall.visit(photo(asked.side, 10_000 + number), number)
        one = arrivals(walls, photos[: asked.visitors], asked.every, 1)
        two = arrivals(walls, photos[asked.visitors :], asked.every, 2)
        for wall in walls:
            wall.stop()
    results = {preset: {"one": about(one[preset]), "two at once": about(two[preset]) if two[preset] else None}
               for preset in PRESETS}  # fmt: skip
    table(("visitors", "median s", "95 % s", "longest s"), [
        (f"{preset}, {how}", found["median"], found["p95"], found["longest"])
        for preset, ways in results.items() for how, found in ways.items() if found
    ])  # fmt: skip
    targets = [
        target(
            f"{preset}, one at a time: median, s", f"< {AIM_S:g}", ways["one"]["median"], ways["one"]["median"] < AIM_S
        )
        for preset, ways in results.items()
    ]
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(asked).items()
                if name not in ("output", "paintings")}  # fmt: skip
    report(__doc__ or "", settings, results, targets, asked.output, load)


if __name__ == "__main__":
    main()
