"""`reverie gather frames`: scenes, the sharpest of a stretch, no duplicates, crops."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image, ImageFilter

from clips import pan, texture, write_clip
from reverie.apps.cli.main import main
from reverie.tools.gather_frames.tool import sharpness


def rows(folder) -> list[dict[str, str]]:
    with (folder / "frames.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two scenes that move, one that stands still; 25 frames a second."""
    still = texture(96, 128, 9)
    frames = [*pan(20, size=(96, 128), seed=1), *pan(20, size=(96, 128), seed=2), *[still] * 40]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", frames)


@pytest.mark.slow
def test_scenes_and_duplicates(clip, tmp_path, capsys):
    assert main(["gather", "frames", str(clip), "--every", "0.4", "-o", str(tmp_path / "out")]) == 0
    found = rows(tmp_path / "out")
    assert [row["scene"] for row in found] == ["1", "1", "2", "2", "3"]  # the still one gives one picture
    assert all((tmp_path / "out" / row["file"]).is_file() for row in found)
    assert (tmp_path / "out" / "scene-003").is_dir() and not (tmp_path / "out.frames").exists()
    said = capsys.readouterr().err
    assert "kept 5 of 80 frames: one of every 0.4 s and scene" in said and "3 looked like earlier ones" in said
    assert all(int(r["frame"]) < 20 for r in found[:2]) and all(20 <= int(r["frame"]) < 40 for r in found[2:4])


@pytest.mark.slow
def test_all_frames_where_they_are_asked_for(clip, tmp_path):
    out = tmp_path / "out"
    assert main(["gather", "frames", str(clip), "--every", "0.04", "--duplicates", "--no-scenes", "-o", str(out)]) == 0
    assert len(rows(out)) == 80 and len(list((out / "clip").iterdir())) == 80


@pytest.mark.slow
def test_crops_are_squares_of_the_size_asked_for_and_the_same_again(clip, tmp_path, capsys):
    for name in ("a", "b"):
        words = ["--every", "0.8", "--crops", "3", "--size", "48", "--format", "png", "--most", "2"]
        assert main(["gather", "frames", str(clip), *words, "-o", str(tmp_path / name)]) == 0
    said = capsys.readouterr().err
    assert "kept 2 of 80 frames, 6 squares of them" in said and "--most 2 ended it after frame" in said
    found = rows(tmp_path / "a")
    assert len(found) == 6
    for row in found:
        with Image.open(tmp_path / "a" / row["file"]) as picture:
            assert picture.size == (48, 48)
        assert (tmp_path / "a" / row["file"]).read_bytes() == (tmp_path / "b" / row["file"]).read_bytes()


def test_the_sharpest_frame_of_a_stretch_is_taken(tmp_path):
    frames = list(pan(20, size=(96, 128), seed=3))
    blurred = [
        np.asarray(Image.fromarray(f).filter(ImageFilter.GaussianBlur(3))) if n != 7 else f
        for n, f in enumerate(frames)
    ]
    clip = write_clip(tmp_path / "c.mp4", blurred)
    assert sharpness(frames[0]) > 3 * sharpness(blurred[0])
    assert main(["gather", "frames", str(clip), "--every", "1", "-o", str(tmp_path / "out")]) == 0
    assert rows(tmp_path / "out")[0]["frame"] == "7"


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
@pytest.mark.slow
def test_killed_and_started_again_gives_the_same_folder(tmp_path):
    """kill -9 while frames are taken; the same command gives what one run gives, and leaves nothing beside it."""
    clip = write_clip(tmp_path / "long.mp4", [f for seed in range(12) for f in pan(20, size=(96, 128), seed=seed)])
    words = ["gather", "frames", str(clip), "--every", "0.2", "--format", "png", "-o"]
    assert main([*words, str(tmp_path / "whole")]) == 0
    kept = tmp_path / "out.frames"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-m", "reverie", *words, str(tmp_path / "out")], env=env)
    until = time.monotonic() + 60
    while not list(kept.glob("*/*.png")) and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it had finished before it could be killed"
    assert kept.is_dir() and not (tmp_path / "out").exists()
    assert main([*words, str(tmp_path / "out")]) == 0
    files = [{p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.*g")}
             for name in ("whole", "out")]  # fmt: skip
    assert files[0] == files[1] and len(files[0]) > 10 and not kept.exists()


def test_what_is_no_film_is_refused(tmp_path, capsys):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    assert main(["gather", "frames", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]) == 2
    assert "not a film" in capsys.readouterr().err
