"""Small promises of `reverie dream`: options that would do nothing are refused, advice works when it is followed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image


def _saved(path: Path) -> Path:
    Image.fromarray(scene()).save(path)
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--workers", 0), "--workers must be"),
        (("--workers", "banana"), "--workers must be"),
        (("--crf", 20), "--crf goes with a video"),
        (("--coherence", "blend"), "--coherence goes with a video"),
        (("--zoom", "1.1/s", "--flow", "raft"), "--flow goes with a video"),
        (("--show", "--show-port", 99_999_999), "--show-port must be between 0 and 65535"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    run: Run, tmp_path: Path, options: tuple[object, ...], said: str
) -> None:
    code, out, err = run("dream", _saved(tmp_path / "a.png"), "--steps", 1, *options)
    assert code == 2 and said in err and not out
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_file_that_begins_with_a_dash_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _saved(tmp_path / "-dash.png")
    code, _, err = run("dream", "-dash.png")
    assert code == 2 and "'./-dash.png'" in err


def test_the_size_that_is_advised_for_a_strip_is_enough(run: Run, tmp_path: Path) -> None:
    Image.fromarray(np.full((300, 5, 3), 90, np.uint8)).save(tmp_path / "thin.png")
    code, _, err = run("dream", tmp_path / "thin.png", "--size", 128, "--dry-run")
    advised = re.search(r"--size (\d+)", err)
    assert code == 2 and advised
    code, _, err = run("dream", tmp_path / "thin.png", "--size", advised[1], "--dry-run")
    assert code == 0, err


def test_a_folder_of_films_says_how_to_take_them(run: Run, tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    code, _, err = run("dream", tmp_path)
    assert code == 2 and "name them themselves" in err


def test_films_that_were_there_already_are_not_counted_as_made(run: Run, tmp_path: Path) -> None:
    frames = [Image.fromarray(scene(64, 64)) for _ in range(2)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    given = _saved(tmp_path / "a.png"), tmp_path / "clip.gif"
    asked = ("dream", *given, "-o", f"{tmp_path / 'out'}/", "--steps", 0, "--workers", 1)
    assert "2 made in" in run(*asked)[2]
    assert "0 made, 2 there already" in run(*asked)[2]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process there")
@pytest.mark.parametrize("after_s", [0.4, 0.8])
def test_ctrl_c_while_it_starts_says_so(tmp_path: Path, after_s: float) -> None:
    command = [sys.executable, "-m", "reverie", "dream", str(_saved(tmp_path / "a.png")), "--steps", "5000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "stopped by Ctrl-C" in err
