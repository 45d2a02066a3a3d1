"""`reverie dream` with a film as its result: what a user sees, Ctrl-C, kill -9."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run
from PIL import Image

import reverie
from reverie.media.animation import read_animation
from reverie.media.metadata import read_settings
from reverie.media.video import frames, read_video
from reverie.tools.dream_film.loop_work import LoopDream
from reverie.tools.keyframes.file import parse_keyframes

QUICK = ("--steps", 2, "--octaves", 1, "--precision", "fp32", "--size", 80, "--seconds", 0.5, "--fps", 8)


def change(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


def test_a_zoom_makes_a_video_beside_the_picture(run: Run, photo: Path) -> None:
    code, out, err = run("dream", photo, "--zoom", "1.3/s", *QUICK)
    assert code == 0
    target = Path(out.strip())
    assert target == photo.with_name("photo-dream.mp4")
    info = read_video(target)
    assert (info.frames, info.rate, info.size) == (4, 8, (60, 80))
    assert "0.5 s at 8 frames/s, flicker" in err
    assert "flicker" in err and "seed 0" in err
    assert sorted(p.name for p in photo.parent.iterdir()) == ["photo-dream.mp4", "photo.png"]


@pytest.mark.slow
def test_a_song_drives_a_film_lies_under_it_and_is_found_for_the_replay(run: Run, photo: Path) -> None:
    rate = 16_000
    heard = np.sin(2 * np.pi * 60 * np.arange(rate) / rate) * np.where(np.arange(rate) % 4000 < 800, 0.9, 0.05)
    song, target = photo.with_name("song.wav"), photo.with_name("film.mp4")
    with wave.open(str(song), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes((32767 * heard).astype("<i2").tobytes())
    quick = [*QUICK[:-4], "--fps", 8]
    assert run("dream", photo, "--song", song, "--map", "bass=zoom:1:1.5", *quick, "-o", target)[0] == 0
    info = read_video(target)
    assert (info.frames, info.rate, info.audio) == (8, 8, True)  # as long as the song
    record = read_settings(target)
    keys = parse_keyframes(record["keyframes"]["text"]).tracks
    assert list(keys) == ["zoom"] and max(key.value for key in keys["zoom"]) > 1.2
    assert record["files"]["song"]["name"] == "song.wav" and record["loop"]["map"] == ["bass=zoom:1:1.5"]
    assert str(photo.parent) not in json.dumps(record)
    code, out, _ = run("replay", target, "-o", photo.with_name("again.mp4"))
    assert code == 0
    assert Path(out.strip()).read_bytes() == target.read_bytes()
    code, _, err = run("dream", photo, "--song", song, "--map", "boom=zoom", *quick, "-o", photo.with_name("b.mp4"))
    assert code == 2 and "bass" in err
    code, _, err = run("dream", photo, "--map", "bass=zoom", *quick, "-o", photo.with_name("c.mp4"))
    assert code == 2 and "--song" in err


@pytest.mark.parametrize(("name", "count"), [("loop.gif", 4), ("loop.webp", 4), ("loop.webm", 4)])
def test_films_come_in_every_kind_and_carry_their_settings(run: Run, photo: Path, name: str, count: int) -> None:
    target = photo.with_name(name)
    keys = photo.with_name("keys.yaml")
    keys.write_text("layer: {0: mixed3a, 50%: mixed4c}\n")
    assert run("dream", photo, "--keyframes", keys, "--seamless", *QUICK, "-o", target)[0] == 0
    if name.endswith("webm"):
        assert read_video(target).frames == count
        return
    assert read_animation(target).frames == count
    assert read_animation(target).plays == 0
    record = read_settings(target)
    assert record["tool"] == "dream-loop"
    assert record["keyframes"] == {"name": "keys.yaml", "text": keys.read_text()}
    assert record["config"]["seed"] == 0 and record["input"]["name"] == "photo.png"
    assert record["seam_flicker"] > 0 and record["flicker"] > 0
    assert str(photo.parent) not in json.dumps(record)


def test_a_name_that_only_films_have_asks_for_one(run: Run, photo: Path) -> None:
    code, out, _ = run("dream", photo, "-o", photo.with_name("a.mp4"), "--dry-run")
    assert code == 0
    decisions = json.loads(out)
    assert (decisions["frames"], decisions["anchor_per_s"], decisions["border"]) == (192, 0.8, "reflect")
    code, out, _ = run("dream", photo, "-o", photo.with_name("a.webp"), "--dry-run")
    assert "frames" not in json.loads(out)  # a still picture, as long as no option of films is given


def test_turns_and_pans_may_be_negative(run: Run, photo: Path) -> None:
    code, out, _ = run("dream", photo, "--rotate", "-5/s", "--pan", "-0.1,0.2/s", "--dry-run")
    assert code == 0
    decisions = json.loads(out)
    assert (decisions["rotate_deg_per_s"], decisions["pan_per_s"]) == (-5, [-0.1, 0.2])


def test_a_film_from_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("dream", "--zoom", "1.5/s", *QUICK, "--canvas", "pixels")
    assert (code, out.strip()) == (0, "noise-dream.mp4")
    assert read_video(tmp_path / "noise-dream.mp4").size == (80, 80)


def test_a_seamless_film_ends_where_it_begins(run: Run, photo: Path) -> None:
    target = photo.with_name("loop.mkv")
    arguments = ("--zoom", "1.5/s", "--seamless", "--codec", "ffv1", "--octaves", 1, "--size", 80, "--steps", 2)
    assert run("dream", photo, *arguments, "--seconds", 1, "--fps", 12, "-o", target)[0] == 0
    film = list(frames(target))
    steps = [change(a, b) for a, b in itertools.pairwise(film)]
    assert 0.7 * float(np.median(steps)) < change(film[-1], film[0]) < 1.3 * float(np.median(steps))
    assert change(film[0], film[6]) > 1.5 * float(np.median(steps))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--zoom", "1.04x"), "--zoom must be a number per second, such as 1.04/s; got '1.04x'"),
        (("--zoom", "1.1/s", "-o", "film.png"), "--zoom goes with a video"),
        (("--keyframes", "none.yaml"), "cannot read the keyframes 'none.yaml'"),
        (("--keyframes", "bad.yaml"), "'bad.yaml' line 2: no layer called 'mixed9'; nearest: mixed"),
        (("--keyframes", "blend.yaml"), "'blend.yaml' line 1: 'blend' is for a video; leave it out here"),
        (("--seconds", "-1"), "--seconds must be greater than 0"),
        (("--fps", "a"), "--fps must look like 24"),
        (("--zoom", "1.1/s", "--codec", "ffv1"), "does not hold ffv1"),
        (("--zoom", "1.1/s", "--size", "8"), "too small for embedded"),
    ],
)
def test_impossible_wishes_end_in_one_line_and_leave_nothing(
    run: Run, photo: Path, arguments: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    Path("bad.yaml").write_text("layer:\n  0: mixed9\n")
    Path("blend.yaml").write_text("blend: {0: 0.5}\n")
    before = sorted(photo.parent.iterdir())
    code, _, err = run("dream", photo, *arguments)
    assert code == 2
    assert expected in err and err.count("\n") == 1
    assert sorted(photo.parent.iterdir()) == before


def test_ctrl_c_keeps_the_frames_and_says_how_to_go_on(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = LoopDream.__iter__

    def interrupted(self: LoopDream):
        for frame in original(self):
            yield frame
            if frame.index == 1:
                raise KeyboardInterrupt

    film = ("dream", photo, "--zoom", "1.3/s", "--seamless", *QUICK)
    monkeypatch.setattr(LoopDream, "__iter__", interrupted)
    code, _, err = run(*film)
    assert code == 130
    assert "at frame 2 of 6; there is nothing to show yet; the same command goes on from there" in err
    monkeypatch.undo()
    code, _, err = run(*film, "--seed", 1)
    assert code == 2 and "made differently (config seed: 0 then, 1 now)" in err
    code, _, err = run(*film)
    assert code == 0
    assert "going on after frame 2" in err
    whole = photo.with_name("whole.mp4")
    run(*film, "-o", whole)
    assert whole.read_bytes() == photo.with_name("photo-dream.mp4").read_bytes()


@pytest.mark.parametrize("name", ["loop.mp4", "loop.gif"])
@pytest.mark.slow
def test_a_film_can_be_replayed_from_itself(run: Run, photo: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photo.parent)
    keys, target = Path("keys.yaml"), photo.with_name(name)
    keys.write_text("layer: {0: mixed3a, 50%: mixed4c}\npan: {0: 0.1 0}\n")
    film = ("--keyframes", keys, "--seamless", "--later-steps", 2, "--crf", 30, "--seed", 3)
    assert run("dream", photo, *film, *QUICK, "-o", target)[0] == 0
    keys.unlink()
    code, out, err = run("replay", target)
    assert code == 0, err
    assert "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == target.read_bytes()
    photo.write_bytes(photo.read_bytes() + b" ")
    code, _, err = run("replay", target, "-o", "again" + target.suffix)
    assert code == 2 and "'photo.png' is not the input that was used" in err


def start(source: Path, target: Path) -> subprocess.Popen[bytes]:
    film = ("--zoom", "1.4/s", "--rotate", "9/s", "--seamless", "--seconds", "1.5", "--fps", "8", "--size", "96")
    command = [sys.executable, "-m", "reverie", "dream", source, *film, "--steps", "4", "--octaves", "2", "-o", target]
    package = str(Path(reverie.__file__).parents[1])
    return subprocess.Popen(
        [str(c) for c in command], env=os.environ | {"PYTHONPATH": package}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
def test_killed_twice_and_started_again_the_bytes_are_those_of_one_run(photo: Path) -> None:
    target, kept = photo.with_name("killed.mp4"), photo.with_name("killed.mp4.frames")
    for least in (3, 14):  # in the film, and on its way home
        process = start(photo, target)
        end = time.monotonic() + 200
        while len(list(kept.glob("[0-9]*.png"))) < least and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it had finished before it could be killed"
        assert not target.exists()
    assert start(photo, target).wait() == 0
    assert start(photo, photo.with_name("whole.mp4")).wait() == 0
    assert target.read_bytes() == photo.with_name("whole.mp4").read_bytes()
    assert sorted(p.name for p in photo.parent.iterdir()) == ["killed.mp4", "photo.png", "whole.mp4"]


def test_films_do_not_stand_in_the_way_of_pictures(run: Run, photo: Path) -> None:
    code, out, _ = run("dream", photo, "--steps", 1, "--octaves", 1)
    assert code == 0
    with Image.open(out.strip()) as image:
        assert image.size == (128, 96)


@pytest.mark.slow
def test_keyframes_drive_a_video_and_other_options_of_films_do_not(run: Run, photo: Path) -> None:
    keys, clip, out = photo.with_name("keys.yaml"), photo.with_name("clip.gif"), photo.with_name("out.gif")
    keys.write_text("strength: {0%: 0, 100%: 1}\nlayer: {0: mixed3a, 100%: mixed4c}\n")
    assert run("dream", photo, "--zoom", "1.2/s", *QUICK, "-o", clip)[0] == 0
    small = ("--steps", 2, "--octaves", 1, "--precision", "fp32")
    assert run("dream", clip, "--keyframes", keys, *small, "-o", out)[0] == 0
    record = read_settings(out)
    assert record["tool"] == "dream-video"
    assert record["keyframes"]["text"] == keys.read_text()
    assert run("replay", out)[2].endswith("the bytes are the same\n")
    code, _, err = run("dream", clip, "--zoom", "1.2/s", *small)
    assert code == 2 and "--zoom makes films from a still picture; a video has its own motion" in err
