"""`reverie dream` with moving pictures: what a user sees, Ctrl-C, kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run
from PIL import Image

import reverie
from reverie.media.animation import AnimationWriter, read_animation
from reverie.media.video import read_video
from reverie.media.video_write import VideoWriter
from reverie.tools.dream_film.video_work import VideoDream

QUICK = ("--steps", 2, "--octaves", 1, "--precision", "fp32")


def moving(count: int, size: tuple[int, int] = (64, 80)) -> list[np.ndarray]:
    y, x = np.mgrid[0 : size[0], 0 : size[1] + 2 * count]
    whole = np.stack([x * 3 % 256, 128 + 100 * np.sin(x / 5 + y / 7), y * 3], -1).astype(np.uint8)
    return [whole[:, 2 * n : 2 * n + size[1]].copy() for n in range(count)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, (64, 80), Fraction(30000, 1001)) as writer:
        for frame in moving(5):
            writer.write(frame)
    return path


def test_a_video_becomes_a_video_beside_it(run: Run, clip: Path) -> None:
    code, out, err = run("dream", clip, *QUICK)
    assert code == 0
    target = Path(out.strip())
    assert target == clip.with_name("clip-dream.mp4")
    assert read_video(target).frames == 5
    assert "80 x 64 px, 5 frames in" in err and "flicker" in err and "0 cuts" in err
    assert sorted(p.name for p in clip.parent.iterdir()) == ["clip-dream.mp4", "clip.mp4"]


def test_settings_can_be_taken_from_a_video(run: Run, clip: Path) -> None:
    run("dream", clip, *QUICK, "--seed", 5, "-o", clip.with_name("a.mkv"))
    code, out, _ = run("dream", clip, "--like", clip.with_name("a.mkv"), "--dry-run")
    assert code == 0
    decisions = json.loads(out)
    assert decisions["config"]["seed"] == 5 and decisions["config"]["steps"] == 2
    assert decisions["frames"] == 5 and decisions["frames_per_s"] == "30000/1001"
    assert not clip.with_name("clip-dream.mp4.frames").exists()


def test_a_video_can_be_made_again_byte_for_byte(run: Run, clip: Path) -> None:
    made = clip.with_name("made.mp4")
    run("dream", clip, *QUICK, "--seed", 5, "--crf", 25, "-o", made)
    code, out, err = run("replay", made)
    assert code == 0, err
    assert "the bytes are the same" in err
    assert Path(out.strip()).name == "made-replay.mp4"
    clip.write_bytes(made.read_bytes())
    code, _, err = run("replay", made, "-o", clip.with_name("other.mp4"))
    assert code == 2
    assert "'clip.mp4' is not the input that was used" in err and "--input" in err


def test_a_gif_becomes_a_gif_or_a_picture_of_its_first_frame(run: Run, tmp_path: Path) -> None:
    with AnimationWriter(tmp_path / "a.gif", (64, 80)) as writer:
        for frame in moving(3):
            writer.write(frame, 70)
    code, out, _ = run("dream", tmp_path / "a.gif", *QUICK)
    assert (code, Path(out.strip()).name) == (0, "a-dream.gif")
    assert read_animation(tmp_path / "a-dream.gif").durations_ms == (70, 70, 70)
    code, out, _ = run("dream", tmp_path / "a.gif", *QUICK, "-o", tmp_path / "first.png")
    assert code == 0
    with Image.open(tmp_path / "first.png") as image:
        assert image.size == (80, 64)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--codec", "ffv1"), "does not hold ffv1"),
        (("-o", "out.txt"), "known for moving pictures"),
        (("--coherence", "magic"), "--coherence must be one of none, blend, flow"),
        (("--blend", "1.5"), "--blend must be at most 1"),
        (("--flow", "raft"), "--flow raft needs weights that are not part of Reverie"),
    ],
)
def test_impossible_wishes_end_in_one_line(
    run: Run, clip: Path, arguments: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(clip.parent / "home"))
    code, _, err = run("dream", clip, *QUICK, *arguments)
    assert code == 2
    assert expected in err and err.count("\n") == 1
    assert [p.name for p in clip.parent.iterdir()] == ["clip.mp4"]


def test_a_broken_video_ends_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"not a video at all")
    code, _, err = run("dream", tmp_path / "a.mp4")
    assert (code, err.count("\n")) == (2, 1)
    assert "is not a video" in err


def test_ctrl_c_keeps_the_frames_and_says_how_to_go_on(run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = VideoDream.__iter__

    def interrupted(self: VideoDream):
        for step in original(self):
            yield step
            if step.index == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(VideoDream, "__iter__", interrupted)
    code, _, err = run("dream", clip, *QUICK)
    assert code == 130
    assert "at frame 2 of 5" in err and "the same command goes on from there" in err
    assert read_video(clip.with_name("clip-dream-stopped.mp4")).frames == 2
    assert not clip.with_name("clip-dream.mp4").exists()
    monkeypatch.undo()
    code, _, err = run("dream", clip, *QUICK)
    assert code == 0
    assert "going on after frame 2" in err
    whole = clip.with_name("whole.mp4")
    run("dream", clip, *QUICK, "-o", whole)
    assert whole.read_bytes() == clip.with_name("clip-dream.mp4").read_bytes()


def start(source: Path, target: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "reverie", "dream", source, "--steps", "4", "--octaves", "2", "-o", target]
    package = str(Path(reverie.__file__).parents[1])
    return subprocess.Popen(
        [str(c) for c in command], env=os.environ | {"PYTHONPATH": package}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
def test_killed_twice_and_started_again_the_bytes_are_those_of_one_run(tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    with VideoWriter(source, (96, 128), Fraction(25)) as writer:
        for frame in moving(14, (96, 128)):
            writer.write(frame)
    target, frames = tmp_path / "killed.mp4", tmp_path / "killed.mp4.frames"
    for least in (2, 6):
        process = start(source, target)
        end = time.monotonic() + 200
        while len(list(frames.glob("[0-9]*.png"))) < least and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it had finished before it could be killed"
        assert not target.exists()
        assert least <= len(list(frames.glob("[0-9]*.png"))) < 14
    assert start(source, target).wait() == 0
    assert start(source, tmp_path / "whole.mp4").wait() == 0
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mp4", "killed.mp4", "whole.mp4"]
