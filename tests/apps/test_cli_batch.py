"""`reverie dream` with many pictures, in this process: what is made, left alone, refused and said."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_case import Run, scene
from PIL import Image

from clips import card
from reverie.apps.cli.main import main
from reverie.media.metadata import read_settings
from reverie.media.video_write import VideoWriter

QUICK = ("--steps", 1, "--octaves", 1, "--workers", 1)


def picture(path: Path, height: int = 64, width: int = 80, mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(height, width)).convert(mode).save(path)
    return path


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good pictures, one of them in a subfolder, and everything that may go wrong."""
    root = tmp_path / "photos"
    picture(root / "a.png")
    picture(root / "sub" / "übung é.png", 64, 72)
    return root


def test_a_bad_file_stops_no_other_and_is_listed_at_the_end(run: Run, folder: Path, tmp_path: Path) -> None:
    picture(folder / "cmyk.jpg", mode="CMYK")
    picture(folder / "line.png", 64, 1)
    (folder / "text.jpg").write_text("no picture")
    whole = picture(folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out"
    code, printed, err = run("dream", folder, "-o", out, *QUICK)
    assert code == 2
    assert set(bytes_of(out)) == {"a.png", "cmyk.png"}
    assert {Path(line) for line in printed.splitlines()} == {out / "a.png", out / "cmyk.png"}
    failures = [line for line in err.splitlines() if line.startswith("reverie: ")]
    assert len(failures) == 3 and "Traceback" not in err
    for name, words in (("cut.png", "cut short"), ("line.png", "too small"), ("text.jpg", "not a picture")):
        assert any(name in line and words in line for line in failures), (name, failures)
    assert "2 made, 3 failed" in err
    assert "1 subfolders" in err and "--recursive" in err


def test_recursive_mirrors_the_tree_and_a_rerun_makes_only_what_is_missing(run: Run, folder: Path) -> None:
    assert run("dream", folder, "--recursive", *QUICK)[0] == 0
    out = folder.with_name("photos-dream")
    first = bytes_of(out)
    assert set(first) == {"a.png", "sub/übung é.png"}
    before = (out / "a.png").stat().st_mtime_ns
    (out / "sub" / "übung é.png").unlink()
    code, printed, err = run("dream", folder, "--recursive", *QUICK)
    assert code == 0
    assert "1 made, 1 there already" in err
    assert len(printed.splitlines()) == 2
    assert (out / "a.png").stat().st_mtime_ns == before
    assert bytes_of(out) == first
    assert "1 made" in run("dream", folder / "a.png", "-o", f"{out}/", "--overwrite", *QUICK)[2]
    assert bytes_of(out) == first


def test_results_depend_neither_on_order_nor_on_company(run: Run, folder: Path, tmp_path: Path) -> None:
    a, b, c = (picture(folder / name, 64, width) for name, width in (("a.png", 80), ("b.jpg", 100), ("c.png", 66)))
    orders = {"one": (a, b, c), "two": (c, a, b), "three": (b,), "four": (folder / "*.png", b)}
    found = {}
    for name, sources in orders.items():
        assert run("dream", *sources, "-o", f"{tmp_path / name}/", *QUICK)[0] == 0
        found[name] = bytes_of(tmp_path / name)
    assert found["one"] == found["two"] == found["four"]
    assert found["three"]["b.png"] == found["one"]["b.png"]
    assert run("dream", b, "-o", tmp_path / "alone.png", *QUICK)[0] == 0
    assert (tmp_path / "alone.png").read_bytes() == found["one"]["b.png"]  # as in a folder, so alone


def test_a_picture_of_many_can_be_replayed(run: Run, folder: Path) -> None:
    assert run("dream", folder, "--seed", 4, *QUICK)[0] == 0
    made = folder.with_name("photos-dream") / "a.png"
    code, _, err = run("replay", made, "--input", folder / "a.png")
    assert code == 0
    assert "the bytes are the same" in err


def test_a_replay_computes_with_the_threads_of_then(
    run: Run, folder: Path, tmp_path: Path, threads: Callable[[int], None]
) -> None:
    threads(3)
    assert run("dream", folder / "a.png", "-o", tmp_path / "out.png", "--octaves", 2, "--steps", 3)[0] == 0
    threads(1)
    assert "the bytes are the same" in run("replay", tmp_path / "out.png", "--input", folder / "a.png")[2]
    assert torch.get_num_threads() == 1


@pytest.mark.real
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_that_are_no_text_are_worked_like_all_others(folder: Path, tmp_path: Path, capfdbinary) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/photos/\xff\xfe.png")
    (folder / "a.png").rename(odd)
    words = ["dream", str(folder), "-o", str(tmp_path / "out"), *map(str, QUICK)]
    assert main(words) == 0
    assert (tmp_path / "out").is_dir() and b"1 made" in capfdbinary.readouterr().err
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([sys.executable, "-m", "reverie", *words], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == os.fsencode(tmp_path / "out") + b"/\xff\xfe.png\n"
    assert b"there already" in done.stderr


def test_names_that_would_meet_get_their_suffix(run: Run, folder: Path, tmp_path: Path) -> None:
    picture(folder / "a.jpg")
    assert run("dream", folder, "-o", tmp_path / "out", *QUICK)[0] == 0
    assert set(bytes_of(tmp_path / "out")) == {"a-jpg.png", "a-png.png"}


def test_a_changed_setting_makes_it_anew_and_files_of_others_stay(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    picture(folder / "b.png")
    mine = picture(out / "b.png").read_bytes()
    code, _, err = run("dream", folder, "-o", out, *QUICK)
    assert code == 2
    assert "not made by Reverie" in err and "1 made, 1 failed" in err
    first = (out / "a.png").read_bytes()
    code, _, err = run("dream", folder, "-o", out, *QUICK, "--step-size", 0.02)
    assert "1 made, 1 failed" in err
    assert (out / "a.png").read_bytes() == first
    assert (out / "a-2.png").read_bytes() != first
    assert run("dream", folder / "a.png", "-o", f"{out}/", "--overwrite", *QUICK, "--seed", 3)[0] == 0
    assert (out / "a.png").read_bytes() != first
    assert (out / "b.png").read_bytes() == mine


def test_results_in_the_same_list_are_not_dreamt_again(run: Run, folder: Path) -> None:
    assert run("dream", folder / "*.png", *QUICK)[0] == 0
    assert set(bytes_of(folder)) == {"a.png", "a-dream.png", "sub/übung é.png"}
    code, _, err = run("dream", folder / "*.png", *QUICK)
    assert code == 0
    assert "left out an earlier result of this command, made from others here: 'a-dream.png'" in err
    assert "0 made, 1 there already" in err
    assert set(bytes_of(folder)) == {"a.png", "a-dream.png", "sub/übung é.png"}


def test_a_source_is_never_replaced(run: Run, folder: Path) -> None:
    before = bytes_of(folder)
    code, _, err = run("dream", folder / "a.png", "-o", folder / "a.png", "--overwrite")
    assert code == 2
    assert "which it is made from" in err
    code, _, err = run("dream", folder, "-o", folder)
    assert code == 2
    assert "folder of the inputs" in err
    assert bytes_of(folder) == before


def test_the_format_can_be_chosen_and_alpha_and_depth_find_their_place(run: Run, folder: Path, tmp_path: Path) -> None:
    rgba = np.dstack([scene(64, 80), np.full((64, 80), 130, np.uint8)])
    Image.fromarray(rgba).save(folder / "clear.png")
    assert run("dream", folder, "-o", tmp_path / "out", "--format", "webp", *QUICK)[0] == 0
    assert set(bytes_of(tmp_path / "out")) == {"a.webp", "clear.webp"}
    with Image.open(tmp_path / "out" / "clear.webp") as image:
        assert image.mode == "RGBA"
    assert run("dream", folder, "--format", "bmp")[0] == 2


def test_one_file_that_is_there_already_is_not_made_again(run: Run, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    assert run("dream", folder / "a.png", "-o", target, "--steps", 1, "--octaves", 1)[0] == 0
    stamp = target.stat().st_mtime_ns
    code, printed, err = run("dream", folder / "a.png", "-o", target, "--steps", 1, "--octaves", 1)
    assert (code, printed.strip()) == (0, str(target))
    assert "there already" in err
    assert target.stat().st_mtime_ns == stamp
    assert read_settings(target)["config"]["seed"] == 0  # a file alone keeps the seed as it was given
    target.write_bytes((folder / "a.png").read_bytes())
    code, _, err = run("dream", folder / "a.png", "-o", target)
    assert code == 2
    assert "was not made by Reverie" in err


@pytest.mark.slow
def test_artworks_guides_and_groups_are_recognized_in_what_is_finished(run: Run, folder: Path, tmp_path: Path) -> None:
    art = picture(tmp_path / "art" / "monet" / "one.png", 64, 64).parent
    picture(art / "two.png", 70, 66)
    Image.fromarray(np.full((9, 9), 255, np.uint8)).save(tmp_path / "white.png")
    cases = (
        ("--target-from", art.parent, "--target-class", "monet"), ("--guide", art / "one.png"),
        ("--group", f"mask={tmp_path / 'white.png'},layer=mixed3a"), ("--mask", tmp_path / "white.png"),
    )  # fmt: skip
    for number, options in enumerate(cases):
        out = tmp_path / f"out{number}"
        assert "1 made" in run("dream", folder, "-o", out, *QUICK, *options)[2]
        assert "0 made, 1 there already" in run("dream", folder, "-o", out, *QUICK, *options)[2], options
    picture(art / "one.png", 64, 68)
    assert "1 made" in run("dream", folder, "-o", tmp_path / "out1", *QUICK, *cases[1])[2]


def test_a_rerun_leaves_earlier_results_in_the_same_folder_alone(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("dream", folder / "a.png", *QUICK)[0] == 0
    assert (folder / "a-dream.png").is_file()
    code, printed, err = run("dream", folder, "-o", tmp_path / "out", *QUICK)
    assert code == 0 and printed.splitlines() == [str(tmp_path / "out" / "a.png")]
    assert err.count("left out an earlier result of this command, made from others here: 'a-dream.png'") == 1
    again = run("dream", folder / "*.png", "-o", tmp_path / "two", "--dry-run", *QUICK)[1]
    assert [Path(job["source"]).name for job in json.loads(again)["jobs"]] == ["a.png"]
    assert "1 made" in run("dream", tmp_path / "out", *QUICK)[2]  # a folder of dreams is dreamt on
    assert run("dream", folder / "a-dream.png", *QUICK)[0] == 0  # and one that is named


def test_a_dry_run_lists_what_would_be_done_and_touches_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    code, printed, _ = run("dream", folder, "-o", tmp_path / "out", "--recursive", "--dry-run", "--workers", 3)
    assert code == 0
    plan = json.loads(printed)
    assert plan["workers"] == 3
    assert [Path(job["output"]) for job in plan["jobs"]] == [
        tmp_path / "out" / "a.png", tmp_path / "out" / "sub" / "übung é.png"
    ]  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "out.png"), "looks like a file"), (("--workers", "none"), "--workers must be"),
        (("-o", "-"), "one picture"), (("--layer", "nonsense", "--workers", "1"), "no layer called"),
        (("--show",), "--show"), (("--max-memory", "lots"), "--max-memory"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_command_is_said_once(run: Run, folder: Path, arguments, words) -> None:
    picture(folder / "b.png")
    code, printed, err = run("dream", folder, *arguments)
    assert (code, printed) == (2, "")
    assert err.count(words) == 1 and "Traceback" not in err


def test_bytes_through_pipes(folder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((folder / "a.png").read_bytes())))
    assert main(["dream", "-", "--steps", "1", "--octaves", "1", "--format", "jpg"]) == 0
    out, err = capfdbinary.readouterr()
    with Image.open(io.BytesIO(out)) as image:
        assert (image.format, image.size) == ("JPEG", (80, 64))
    (folder / "piped.jpg").write_bytes(out)
    assert read_settings(folder / "piped.jpg")["input"]["name"] == "stdin"
    assert b"80 x 64 px, 1 step" in err


def test_a_terminal_is_neither_read_from_nor_written_to(run: Run, folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    code, _, err = run("dream", "-", "-o", folder / "out.png")
    assert code == 2
    assert "terminal" in err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    code, _, err = run("dream", folder / "a.png", "-o", "-")
    assert code == 2
    assert "terminal" in err


def test_a_sheet_is_made_of_one_picture_alone(run: Run, folder: Path, tmp_path: Path) -> None:
    code, _, err = run("dream", folder, "--recursive", "--sheet", "strength=1,2", "-o", tmp_path / "out")
    assert code == 2 and "--sheet tries settings on one picture; here are several sources" in err


def test_several_films_are_given_sounds(run: Run, tmp_path: Path) -> None:
    clips = [tmp_path / "a.mkv", tmp_path / "b.mkv"]
    for clip in clips:
        with VideoWriter(clip, (32, 32), 4, codec="ffv1") as writer:
            for number in range(4):
                writer.write(card(number, 32, 32))
    code, printed, _ = run("sound", "film", *clips, "--dry-run")
    assert (code, json.loads(printed)["inputs"], json.loads(printed)["films"]) == (0, 2, ["a.mkv", "b.mkv"])
    code, printed, err = run("sound", "film", *clips, "-o", tmp_path / "out")
    assert code == 0 and "2 made" in err
    assert len(printed.splitlines()) == len(list((tmp_path / "out").glob("*.mkv"))) == 2
