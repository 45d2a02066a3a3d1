"""`reverie style` with moving pictures: what a user sees, Ctrl-C, kill -9, replay."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from cli_case import Run
from PIL import Image

import reverie
from clips import pan, sound_packets, texture, write_clip
from reverie.media.animation import AnimationWriter, read_animation
from reverie.media.metadata import read_settings
from reverie.media.video import read_video
from reverie.tools.style_film_work import StyleFilm

pytestmark = pytest.mark.usefixtures("networks_kept")
SIZE = (48, 64)
RATE = Fraction(30000, 1001)
QUICK = (
    "--min-size", 40, "--steps", 3, "--min-steps", 2, "--score", "gram", "--precision", "fp32", "--device", "cpu",
)  # fmt: skip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", list(pan(5, (1, 2), SIZE)), RATE, sound="aac")


@pytest.fixture
def style(tmp_path: Path) -> Path:
    Image.fromarray(texture(60, 60, 3)).save(tmp_path / "paint.png")
    return tmp_path / "paint.png"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    Image.fromarray(texture(60, 60, 4)).save(tmp_path / "other.png")
    return tmp_path / "other.png"


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def flicker_in(err: str) -> float:
    found = re.search(r"flicker ([\d.]+) of 255 \(of the source: ([\d.]+)\)", err)
    assert found, err
    return float(found[1])


def test_a_film_stands_beside_its_source_with_rate_sound_and_settings(run: Run, clip: Path, style: Path) -> None:
    code, out, err = run("style", clip, style, *QUICK)
    made = Path(out.strip())
    assert (code, made) == (0, clip.with_name("clip-style.mp4")), err
    info = read_video(made)
    assert (info.rate, info.frames, info.size) == (RATE, 5, SIZE)
    assert [p[1] for p in sound_packets(made)] == [p[1] for p in sound_packets(clip)]
    assert "5 frames of 64 x 48 px" in err and "flow, 0 cuts" in err
    record = read_settings(made)
    assert record["flicker"] == pytest.approx(flicker_in(err), abs=0.006)
    assert record["video"]["later_steps"] == 1 and str(clip.parent) not in json.dumps(record)
    assert names(clip.parent) == ["clip-style.mp4", "clip.mp4", "paint.png"]


def test_it_flickers_less_with_flow_than_without(run: Run, clip: Path, style: Path) -> None:
    found = {}
    for coherence in ("flow", "none"):
        target = clip.with_name(f"{coherence}.mp4")
        code, _, err = run("style", clip, style, *QUICK, "--coherence", coherence, "-o", target)
        assert code == 0, err
        found[coherence] = flicker_in(err)
    assert found["flow"] < 0.8 * found["none"]


def test_one_pass_paints_films_too_and_flickers_less_with_flow(run: Run, clip: Path, style: Path) -> None:
    found = {}
    for coherence in ("flow", "none"):
        target = clip.with_name(f"{coherence}.mp4")
        code, _, err = run("style", clip, style, "--fast", "--device", "cpu", "--coherence", coherence, "-o", target)
        assert code == 0, err
        found[coherence] = flicker_in(err)
        assert sound_packets(target)
    assert found["flow"] < 0.8 * found["none"]


@pytest.mark.parametrize("film", [("--crf", 25, "--anchor", 2), ("--interpolate",)], ids=["anchor", "interpolate"])
def test_a_film_can_be_made_again_byte_for_byte(
    run: Run, clip: Path, style: Path, other: Path, film: tuple[object, ...]
) -> None:
    made = clip.with_name("made.mp4")
    assert run("style", clip, style, other, *QUICK, *film, "--seed", 5, "-o", made)[0] == 0
    code, out, err = run("replay", made)
    assert (code, Path(out.strip()).name) == (0, "made-replay.mp4"), err
    assert "the bytes are the same" in err
    style.write_bytes(other.read_bytes())
    code, _, err = run("replay", made)
    assert (code, err.count("\n")) == (2, 1) and "paint.png" in err
    clip.write_bytes(made.read_bytes())
    code, _, err = run("replay", made)
    assert code == 2 and err.count("\n") == 1


def test_settings_can_be_taken_from_a_film_and_its_plan_printed(run: Run, clip: Path, style: Path) -> None:
    made = clip.with_name("made.mkv")
    assert run("style", clip, style, *QUICK, "--seed", 5, "-o", made)[0] == 0
    code, out, err = run("style", clip, "--like", made, "--dry-run")
    assert code == 0, err
    plan = json.loads(out)
    assert plan["config"]["seed"] == 5 and plan["config"]["score"] == "gram"
    assert plan["frames"] == 5 and plan["frames_per_s"] == "30000/1001" and plan["size"] == [64, 48]
    assert [s["size"] for s in plan["scales"]][-1] == [64, 48] and plan["steps_later"] == 1
    assert plan["video"]["anchor"] == [1, 8]
    assert names(clip.parent) == ["clip.mp4", "made.mkv", "paint.png"]


def test_a_gif_becomes_a_gif_a_webp_or_a_video(run: Run, tmp_path: Path, style: Path) -> None:
    with AnimationWriter(tmp_path / "a.gif", SIZE) as writer:
        for frame in pan(3, (1, 2), SIZE):
            writer.write(frame, 70)
    code, out, err = run("style", tmp_path / "a.gif", style, *QUICK)
    assert (code, Path(out.strip()).name) == (0, "a-style.gif"), err
    assert read_animation(tmp_path / "a-style.gif").durations_ms == (70, 70, 70)
    assert run("style", tmp_path / "a.gif", style, *QUICK, "-o", tmp_path / "b.webp")[0] == 0
    assert read_animation(tmp_path / "b.webp").durations_ms == (70, 70, 70)
    assert run("style", tmp_path / "b.webp", style, *QUICK, "-o", tmp_path / "c.mp4")[0] == 0
    assert read_video(tmp_path / "c.mp4").frames == 3


def test_ctrl_c_keeps_the_frames_and_the_same_command_goes_on(
    run: Run, clip: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = StyleFilm.__iter__

    def interrupted(self: StyleFilm):
        for step in original(self):
            yield step
            if step.index == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StyleFilm, "__iter__", interrupted)
        code, _, err = run("style", clip, style, *QUICK)
    assert code == 130
    assert "2 of 5 frames are kept in" in err and "run the same command again" in err
    target = clip.with_name("clip-style.mp4")
    assert not target.exists() and target.with_name("clip-style.mp4.frames").is_dir()
    code, _, err = run("style", clip, style, *QUICK)
    assert code == 0 and "going on behind frame 2" in err and "3 of them now" in err
    run("style", clip, style, *QUICK, "-o", clip.with_name("whole.mp4"))
    assert target.read_bytes() == clip.with_name("whole.mp4").read_bytes()
    assert names(clip.parent) == ["clip-style.mp4", "clip.mp4", "paint.png", "whole.mp4"]


def test_films_are_painted_beside_pictures_when_they_are_named(
    run: Run, tmp_path: Path, clip: Path, style: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    clip.rename(folder / "clip.mp4")
    Image.fromarray(texture(*SIZE, seed=1)).save(folder / "still.png")
    code, _, err = run("style", folder, style, *QUICK, "--workers", 1, "-o", tmp_path / "of folder")
    assert code == 0 and "1 films in" in err and "name them themselves" in err
    assert names(tmp_path / "of folder") == ["still.png"]
    code, _, err = run("style", f"{folder}/*", style, *QUICK, "--workers", 1, "-o", f"{tmp_path}/named/")
    assert code == 0, err
    assert names(tmp_path / "named") == ["clip.mp4", "still.png"]
    assert read_video(tmp_path / "named" / "clip.mp4").frames == 5


def test_a_film_goes_into_a_folder_that_is_not_there_yet(run: Run, tmp_path: Path, clip: Path, style: Path) -> None:
    code, _, err = run("style", clip, style, *QUICK, "-o", f"{tmp_path}/new/")
    assert code == 0, err
    assert names(tmp_path / "new") == ["clip.mp4"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--codec", "ffv1"), "does not hold ffv1"),
        (("-o", "out.txt"), "known for moving pictures"),
        (("--coherence", "magic"), "--coherence must be one of none, flow"),
        (("--temporal", "-1"), "--temporal must be at least 0"),
        (("--anchor", "0"), "--anchor counts frames back, from 1 to 64; got 0"),
        (("--interpolate",), "--interpolate goes from one style to another"),
        (("--keep-state",), "go with a picture; a film goes on by itself"),
        (("-o", "-"), "go with a picture; a film goes on by itself"),
    ],
)
def test_impossible_wishes_end_in_one_line(
    run: Run, clip: Path, style: Path, arguments: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clip.parent)
    code, _, err = run("style", clip, style, *QUICK, *arguments)
    assert code == 2
    assert expected in err and err.count("\n") == 1
    assert names(clip.parent) == ["clip.mp4", "paint.png"]


def test_options_of_films_are_refused_for_a_picture(run: Run, photo: Path, style: Path) -> None:
    code, _, err = run("style", photo, style, *QUICK, "--temporal", 2)
    assert (code, err.count("\n")) == (2, 1)
    assert "--temporal goes with a video, GIF or animated WebP; this is a picture" in err


@pytest.mark.parametrize("kept", [0, 200, 0.3], ids=["empty", "header", "third"])
def test_a_truncated_file_ends_in_one_line(run: Run, clip: Path, style: Path, kept: float) -> None:
    """The index of an MP4 lies at its end."""
    whole = clip.read_bytes()
    clip.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    code, _, err = run("style", clip, style, *QUICK)
    assert code == 2, err
    assert err.count("\n") == 1 and "clip.mp4" in err and "Traceback" not in err
    assert names(clip.parent) == ["clip.mp4", "paint.png"]


def start(source: Path, style: Path, target: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "reverie", "style", source, style, *QUICK, "--later-steps", 8, "-o", target]
    package = str(Path(reverie.__file__).parents[1])
    return subprocess.Popen(
        [str(c) for c in command], env=os.environ | {"PYTHONPATH": package}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
def test_killed_and_started_again_the_bytes_are_those_of_one_run(tmp_path: Path, style: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", list(pan(12, (1, 2), (64, 96))))
    target, folder = tmp_path / "killed.mp4", tmp_path / "killed.mp4.frames"
    for least in (2, 5):
        process = start(source, style, target)
        end = time.monotonic() + 100
        while len(list(folder.glob("[0-9]*.png"))) < least and time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it had finished before it could be killed"
        assert not target.exists() and least <= len(list(folder.glob("[0-9]*.png"))) < 12
    assert start(source, style, target).wait() == 0
    assert start(source, style, tmp_path / "whole.mp4").wait() == 0
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert names(tmp_path) == ["clip.mp4", "killed.mp4", "paint.png", "whole.mp4"]
