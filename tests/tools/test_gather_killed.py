"""`gather map`, `gather artists` and `embed` are killed by signal 9 and started again with the same command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gather_server import Server
from reverie.apps.cli.main import main
from reverie.data.gather.layout import read_rows

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")]


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REVERIE_CONTACT", "a@example.org")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    with Server(40) as running:
        yield running


def killed_when(words: list[str], there: Callable[[], bool]) -> None:
    """Start a command, and kill it once something is there."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "reverie", *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 90
    while not there() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it had finished before it could be killed"


def test_a_map_asks_for_no_tile_twice_but_those_under_way(server: Server, tmp_path: Path) -> None:
    provider = f"{server.url}/tile/{{z}}/{{x}}/{{y}}.png"
    words = ["gather", "map", "48.85", "2.29", "--zoom", "12", "--size", "1500x1000", "--pause", "0.03",
             "--provider", provider, "--attribution", "(C) Testers", "-o"]  # fmt: skip
    for tiles in (4, 12):
        killed_when([*words, "paris.png"], lambda tiles=tiles: len(server.asked("/tile")) >= tiles)
        assert not (tmp_path / "paris.png").exists()
    assert main([*words, "paris.png"]) == 0
    paths = [path for _, path, _ in server.log if path.startswith("/tile")]
    assert len(set(paths)) > 20 and len(paths) <= len(set(paths)) + 2
    assert main([*words, "whole.png"]) == 0  # from the cache
    assert [path for _, path, _ in server.log if path.startswith("/tile")] == paths
    assert (tmp_path / "paris.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    assert not [p for p in tmp_path.iterdir() if "paris" in p.name and p.suffix in (".frames", ".part")]


def test_artists_lose_no_painting_and_fetch_none_twice_but_those_under_way(server: Server, tmp_path: Path) -> None:
    words = ["gather", "artists", "Paul Klee", "--count", "24", "--pause", "0.02", "--no-neighbors",
             "--endpoint", f"commons={server.url}/commons", "-o", "klee"]  # fmt: skip
    for pictures in (3, 9, 15):
        killed_when(words, lambda pictures=pictures: len(server.asked("/picture")) >= pictures)
        assert not (tmp_path / "klee").exists()
    assert main(words) == 0
    paths = [path for _, path, _ in server.log if path.startswith("/picture")]
    assert len(paths) <= len(set(paths)) + 3
    rows = read_rows(tmp_path / "klee" / "ATTRIBUTION.csv")
    assert len(rows) == 24 == len({row["sha256"] for row in rows})
    assert not (tmp_path / "klee.frames").exists()


def test_a_collection_goes_on_with_what_was_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "patterns"
    rng = np.random.default_rng(0)
    for number in range(60):
        place = folder / ("a", "b")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(place / f"{number}.png")
    words = ["embed", str(folder), "--batch", "4", "--steps", "30", "--device", "cpu", "--precision", "fp32", "-o"]
    kept = tmp_path / "map.frames"
    killed_when([*words, "map"], lambda: len(list(kept.glob("*/*.safetensors"))) >= 3)
    before = {p: p.stat().st_mtime_ns for p in kept.glob("*/*.safetensors")}
    assert not (tmp_path / "map").exists()
    killed_when([*words, "map"], lambda: len(list(kept.glob("*/*.safetensors"))) >= len(before) + 3)
    assert all(p.stat().st_mtime_ns == moment for p, moment in before.items())  # not looked at again
    assert main([*words, "map"]) == 0 and main([*words, "whole"]) == 0
    for name in ("pictures.csv", "map.png", "map.safetensors"):
        assert (tmp_path / "map" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not kept.exists() and not (tmp_path / "whole.frames").exists()
