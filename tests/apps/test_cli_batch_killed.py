"""Directories whose run is killed, whose workers are killed, or that are stopped: real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from cli_case import scene
from PIL import Image

from reverie.media.image import read_picture
from reverie.media.metadata import read_settings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")]

COUNT = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed") / "photos"
    (root / "deep").mkdir(parents=True)
    for number in range(COUNT):
        height, width = 64 + 4 * (number % 3), 96 + 8 * number
        shifted = np.roll(scene(height, width), 7 * number, axis=1)
        Image.fromarray(shifted).save(root / ("deep" if number % 2 else ".") / f"{number} ü.png")
    return root


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, bytes]:
    """Return what an uninterrupted run gives."""
    out = folder.with_name("expected")
    process = started(folder, out)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return results(out)


def started(folder: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "reverie", "dream", str(folder), "-o", str(out), "--recursive"]
    options = options or ("--workers", "2")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [*command, "--steps", "6", "--octaves", "2", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment, start_new_session=True,
    )  # fmt: skip


def results(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*.png"))}


def wait_for(process: subprocess.Popen[str], out: Path, count: int) -> None:
    """Return once that many results are there and work goes on."""
    while len(results(out)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = psutil.Process(process.pid).children()
    return [p for p in found if "spawn_main" in " ".join(p.cmdline())]


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=30)[1]


@pytest.mark.parametrize("who", ["everything", "the parent alone"])
def test_after_kill_9_a_rerun_finishes_with_the_same_bytes(folder, expected, tmp_path, who) -> None:
    out = tmp_path / "out"
    process = started(folder, out)
    wait_for(process, out, 2)
    workers = workers_of(process)
    if who == "everything":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
    assert gone(workers)  # workers without a parent leave by themselves
    partial = results(out)
    assert 2 <= len(partial) < COUNT
    assert partial.items() <= expected.items()  # nothing half-written under a final name
    again = started(folder, out)
    _, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert f"{COUNT - len(partial)} made, {len(partial)} there already" in err
    assert results(out) == expected


def test_a_killed_worker_costs_no_picture(folder, expected, tmp_path) -> None:
    out = tmp_path / "out"
    process = started(folder, out)
    wait_for(process, out, 1)
    workers_of(process)[0].kill()
    printed, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert len(printed.splitlines()) == COUNT
    assert results(out) == expected


def test_ctrl_c_is_quiet_and_keeps_what_is_finished(folder, expected, tmp_path) -> None:
    out = tmp_path / "out"
    process = started(folder, out)
    wait_for(process, out, 2)
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    printed, err = process.communicate(timeout=60)
    assert process.returncode == 130
    said = [line for line in err.splitlines() if not line.startswith("dreaming")]
    assert len(said) == 1 and "stopped by Ctrl-C; " in said[0] and "made" in said[0], err
    assert gone(workers)
    assert results(out).items() <= expected.items()
    assert {Path(line).relative_to(out).as_posix() for line in printed.splitlines()} <= set(results(out))
    assert not list(out.rglob(".*.part"))
    for path in out.rglob("*.png"):
        assert read_picture(path).rgb.shape[2] == 3
        assert read_settings(path)["tool"] == "dream"


def test_several_devices_share_a_folder(folder, expected, tmp_path) -> None:
    process = started(folder, tmp_path / "out", "--device", "cpu,cpu")
    wait_for(process, tmp_path / "out", 1)
    assert len(workers_of(process)) == 2
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert results(tmp_path / "out").keys() == expected.keys()
