"""`reverie style` with moving pictures: what a user sees."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run
from PIL import Image

from clips import pan, write_clip
from reverie.media.animation import AnimationWriter, read_animation
from reverie.media.metadata import read_settings
from reverie.media.video import frames, read_video
from reverie.tools.films.work import FilmWork

SIZE = (48, 64)
QUICK = (
    "--min-size", 48, "--steps", 2, "--min-steps", 1, "--score", "gram", "--precision", "fp32", "--device", "cpu",
)  # fmt: skip
FAST = ("--fast", "--precision", "fp32", "--device", "cpu")
HOW = [
    pytest.param(QUICK, id="steps"),
    pytest.param(FAST, id="fast", marks=pytest.mark.real),  # the shipped decoder fits the shipped network alone
]
CLIP = pan(3, (1, 2), SIZE)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", list(CLIP), Fraction(30000, 1001))


@pytest.fixture
def style(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:60, 0:80] / 80
    stack = np.stack([np.sin(30 * x), np.sin(40 * y), np.sin(25 * (x + y))], -1)
    Image.fromarray((127 + 120 * stack).astype(np.uint8)).save(tmp_path / "waves.png")
    return tmp_path / "waves.png"


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


@pytest.mark.parametrize("how", HOW)
def test_a_film_is_stylized_and_stylized_again_byte_for_byte(run: Run, clip: Path, style: Path, how: tuple) -> None:
    made = clip.with_name("out.mp4")
    code, out, err = run("style", clip, style, "-o", made, "--seed", 3, *how)
    assert (code, out.strip()) == (0, str(made))
    assert "64 x 48 px, 3 frames in" in err and "flicker" in err and "0 cuts" in err
    assert read_video(made).frames == 3 and read_video(made).rate == Fraction(30000, 1001)
    record = read_settings(made)
    assert record["config"]["style"] == ["waves.png:1"] and str(clip.parent) not in json.dumps(record)
    code, out, err = run("replay", made)
    assert code == 0, err
    assert "the bytes are the same" in err and Path(out.strip()).name == "out-replay.mp4"
    assert names(clip.parent) == {"clip.mp4", "waves.png", "out.mp4", "out-replay.mp4"}
    style.unlink()
    Path(out.strip()).unlink()
    code, _, err = run("replay", made)
    assert code == 2 and "waves.png" in err and err.count("\n") == 1


@pytest.mark.real
def test_another_original_is_not_replayed(run: Run, clip: Path, style: Path) -> None:
    made = clip.with_name("out.mp4")
    run("style", clip, style, "-o", made, *FAST)
    renamed = clip.rename(clip.with_name("renamed.mp4"))
    code, out, err = run("replay", made, "--input", renamed)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == made.read_bytes()
    code, _, err = run("replay", made, "--input", made, "-o", clip.with_name("b.mp4"))
    assert code == 2 and "is not the input that was used" in err and err.count("\n") == 1


@pytest.mark.real
def test_without_a_name_it_stands_beside_the_film(run: Run, clip: Path, style: Path) -> None:
    code, out, _ = run("style", clip, style, *FAST)
    assert (code, Path(out.strip())) == (0, clip.with_name("clip-style.mp4"))
    assert names(clip.parent) == {"clip.mp4", "waves.png", "clip-style.mp4"}


def test_ctrl_c_keeps_the_frames_and_the_same_command_goes_on(
    run: Run, clip: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = FilmWork.__iter__

    def interrupted(self: FilmWork):
        for progress in original(self):
            yield progress
            if progress.done == 2:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FilmWork, "__iter__", interrupted)
        code, _, err = run("style", clip, style, *QUICK)
    assert code == 130
    assert "at frame 2 of 3" in err and "the same command goes on" in err
    assert not clip.with_name("clip-style.mp4").exists()
    assert read_video(clip.with_name("clip-style-stopped.mp4")).frames == 2
    code, _, err = run("style", clip, style, *QUICK, "--temporal", 3)
    assert code == 2 and "video temporal: 1.0 then, 3.0 now" in err and err.count("\n") == 1
    code, _, err = run("style", clip, style, *QUICK)
    assert code == 0
    assert "going on after frame 2" in err
    whole = clip.with_name("whole.mp4")
    run("style", clip, style, *QUICK, "-o", whole)
    assert whole.read_bytes() == clip.with_name("clip-style.mp4").read_bytes()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--coherence", "none"), ("--temporal", 2), ("--anchor", 3), ("--later-steps", 2), ("--no-cuts", None),
        ("--flow", "dis"), ("--crf", 20), ("--codec", "ffv1"), ("--preset", "slow"),
        ("--no-audio", None),
    ],
)  # fmt: skip
def test_options_of_films_are_refused_for_a_picture(run: Run, photo: Path, style: Path, option: str, value) -> None:
    code, _, err = run("style", photo, style, *QUICK, option, *([] if value is None else [value]))
    assert code == 2 and err.count("\n") == 1
    shown = option.replace("--no-", "--").replace("--preset", "--codec-speed")
    assert shown in err and "this is a picture" in err
    assert names(photo.parent) == {"photo.png", "waves.png"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--keep-state",), "--keep-state"),
        (("--resume-from", "a.reverie"), "--resume-from"),
        (("--sheet", "0.3,0.6"), "--sheet"),
        (("-o", "-"), "-o -"),
        (("--interpolate",), "name two or more"),
        (("--anchor", 0), "from 1 to 64"),
        (("--coherence", "none", "--anchor", 3), "--anchor does nothing without --coherence flow"),
        (("--coherence", "none", "--temporal", 1), "--temporal does nothing without --coherence flow"),
        (("--temporal", -1), "--temporal must be at least 0"),
        (("--codec", "ffv1"), "does not hold ffv1"),
        (("-o", "out.txt"), "known for moving pictures"),
    ],
)
def test_impossible_wishes_end_in_one_line(run: Run, clip: Path, style: Path, arguments, expected: str) -> None:
    code, _, err = run("style", clip, style, *QUICK, *arguments)
    assert code == 2 and err.count("\n") == 1
    assert expected in err
    assert names(clip.parent) == {"clip.mp4", "waves.png"}


@pytest.mark.parametrize("what", ["truncated", "text", "missing"])
def test_a_film_that_cannot_be_read_ends_in_one_line(run: Run, clip: Path, style: Path, what: str) -> None:
    if what == "missing":
        clip.unlink()
    else:
        clip.write_bytes(clip.read_bytes()[:400] if what == "truncated" else b"not a video at all")
    code, _, err = run("style", clip, style, *QUICK)
    assert code == 2 and err.count("\n") == 1 and "clip.mp4" in err
    assert not clip.with_name("clip-style.mp4.frames").exists()


def test_a_truncated_style_ends_in_one_line(run: Run, clip: Path, style: Path) -> None:
    style.write_bytes(style.read_bytes()[:200])
    code, _, err = run("style", clip, style, *QUICK)
    assert code == 2 and err.count("\n") == 1 and "waves.png" in err
    assert names(clip.parent) == {"clip.mp4", "waves.png"}


@pytest.mark.real
def test_a_gif_becomes_a_gif_with_its_transparency(run: Run, style: Path, tmp_path: Path) -> None:
    alpha = np.full(SIZE, 255, np.uint8)
    alpha[:20, :30] = 0
    with AnimationWriter(tmp_path / "a.gif", SIZE, plays=2, transparent=True) as writer:
        for frame in CLIP[:2]:
            writer.write(np.dstack([frame, alpha]), 70)
    code, out, _ = run("style", tmp_path / "a.gif", style, *FAST)
    assert (code, Path(out.strip()).name) == (0, "a-style.gif")
    info = read_animation(tmp_path / "a-style.gif")
    assert (info.durations_ms, info.plays, info.transparent) == ((70, 70), 2, True)
    with Image.open(tmp_path / "a-style.gif") as image:
        shown = np.asarray(image.convert("RGBA"))[..., 3]
    assert (shown[:20, :30] == 0).all() and (shown[24:, 34:] == 255).all()


@pytest.mark.real
def test_a_pattern_takes_pictures_and_films(run: Run, clip: Path, photo: Path, style: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "mixed", tmp_path / "out"
    folder.mkdir()
    clip.rename(folder / "clip.mp4")
    photo.rename(folder / "photo.png")
    (folder / "broken.mp4").write_bytes(b"no film")
    code, _, err = run("style", folder / "*", style, "-o", out, "--workers", 1, *FAST)
    assert code == 2 and names(out) == {"photo.png", "clip.mp4"}
    assert "2 made, 1 failed" in err.splitlines()[-1]
    assert len([line for line in err.splitlines() if "broken.mp4" in line]) == 1
    assert read_settings(out / "clip.mp4")["tool"] == "style-film"


@pytest.mark.real
def test_a_folder_says_that_its_films_are_left_out(run: Run, clip: Path, photo: Path, style: Path, tmp_path) -> None:
    folder, out = tmp_path / "mixed", tmp_path / "out"
    folder.mkdir()
    clip.rename(folder / "clip.mp4")
    photo.rename(folder / "photo.png")
    code, _, err = run("style", folder, style, "-o", out, "--workers", 1, *FAST)
    assert code == 0 and names(out) == {"photo.png"}
    assert "1 films" in err and "left out" in err


@pytest.mark.real
def test_films_alone_make_the_folder_that_they_go_to(run: Run, clip: Path, style: Path, tmp_path: Path) -> None:
    code, out, err = run("style", clip, style, "-o", f"{tmp_path / 'out'}/", *FAST)
    assert code == 0, err
    assert Path(out.strip()) == tmp_path / "out" / "clip.mp4" and names(tmp_path / "out") == {"clip.mp4"}


def test_settings_can_be_taken_from_a_film(run: Run, clip: Path, style: Path) -> None:
    made = clip.with_name("a.mp4")
    run("style", clip, style, *QUICK, "--seed", 5, "--strength", 0.7, "-o", made)
    code, out, err = run("style", clip, "--like", made, "--dry-run", "--device", "cpu")
    assert code == 0, err
    decisions = json.loads(out)
    assert decisions["config"]["seed"] == 5 and decisions["config"]["strength"] == 0.7
    assert decisions["frames"] == 3 and decisions["frames_per_s"] == "30000/1001"
    assert not clip.with_name("clip-style.mp4.frames").exists()


# -- films of a still picture, and keyframes ---------------------------------------------------------------------------


@pytest.fixture
def still(tmp_path: Path) -> Path:
    Image.fromarray(CLIP[0]).save(tmp_path / "still.png")
    return tmp_path / "still.png"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:50, 0:60] / 60
    stack = np.stack([x, 1 - x, 0.5 + 0.5 * np.sign(np.sin(60 * (x - y)))], -1)
    Image.fromarray((255 * stack).astype(np.uint8)).save(tmp_path / "stripes.png")
    return tmp_path / "stripes.png"


@pytest.mark.parametrize("how", HOW)
def test_a_still_picture_goes_from_one_style_to_another(
    run: Run, still: Path, style: Path, other: Path, how: tuple
) -> None:
    code, out, err = run("style", still, style, other, "--interpolate", "--seconds", 1, "--fps", 4, *how)
    assert code == 0, err
    made = Path(out.strip())
    assert made == still.with_name("still-style.mp4") and "64 x 48 px, 4 frames in" in err
    assert (read_video(made).frames, read_video(made).rate) == (4, 4)
    pictures = list(frames(made, read_video(made)))
    apart = [np.abs(a.astype(int) - pictures[0]).mean() for a in pictures]
    assert apart[0] == 0 and apart[1] > 0.5 and apart[1] < apart[2] < apart[3]
    record = read_settings(made)
    assert record["input"]["name"] == "still.png" and record["video"]["seconds"] == 1
    renamed = still.rename(still.with_name("renamed.png"))
    style.rename(style.with_name("also-renamed.png"))
    code, _, err = run("replay", made, "--input", renamed)
    assert code == 0 and "the bytes are the same" in err, err


@pytest.mark.parametrize("how", HOW)
def test_keyframes_drive_a_film_and_come_along(run: Run, clip: Path, style: Path, other: Path, how: tuple) -> None:
    keys = clip.with_name("keys.yaml")
    keys.write_text("style: {0%: waves, 100%: {waves: 1, stripes.png: 1}}\nstrength: {0: 0.2, 2f: 0.9}")
    made = clip.with_name("out.mp4")
    code, _, err = run("style", clip, style, other, "--keyframes", keys, "-o", made, *how)
    assert code == 0, err
    record = read_settings(made)
    assert record["keyframes"]["text"] == keys.read_text() and record["video"]["keyframes"] is None
    keys.unlink()
    style.rename(style.with_name("renamed.png"))
    code, _, err = run("replay", made)
    assert code == 0 and "the bytes are the same" in err, err


@pytest.mark.real
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seconds", 2), "needs something that changes"),
        (("-o", "x.mp4"), "needs something that changes"),
        (("--interpolate",), "name two or more"),
        (("--interpolate", "--fps", "fast"), "--fps must look like 24"),
        (("--interpolate", "--seconds", 0.01), "expected 2 to"),
        (("--temporal", 2), "this is a picture"),
        (("--keyframes", "none.yaml"), "cannot read the keyframes"),
        (("--interpolate", "--sheet", "0.5"), "go with a picture"),
    ],
)
def test_films_of_a_still_picture_that_cannot_be(
    run: Run, still: Path, style: Path, monkeypatch: pytest.MonkeyPatch, words: tuple, message: str
) -> None:
    monkeypatch.chdir(still.parent)
    code, _, err = run("style", still, style, *words, *FAST)
    assert code == 2 and message in err and err.count("\n") == 1
    assert names(still.parent) == {"still.png", "waves.png"}


@pytest.mark.real
def test_length_and_rate_are_for_stills(run: Run, clip: Path, still: Path, style: Path, other: Path) -> None:
    code, _, err = run("style", clip, style, other, "--interpolate", "--seconds", 2, *FAST)
    assert code == 2 and "--seconds makes a film from a still picture" in err
    code, _, err = run("style", f"{still.parent}/s*.png", style, "--seconds", 2, "-o", still.parent / "out", *FAST)
    assert code == 2 and "here are several sources" in err
