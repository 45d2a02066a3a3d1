"""`reverie style`: what is made, made again, stopped and gone on with, as a user sees it."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

from reverie.apps.cli.main import main
from reverie.media.metadata import read_settings

QUICK = (
    "--size", 64, "--min-size", 45, "--steps", 2, "--min-steps", 1, "--score", "gram", "--precision", "fp32",
    "--device", "cpu",
)  # fmt: skip


def waves(height: int = 70, width: int = 90) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width] / 80
    stack = np.stack([np.sin(30 * x), np.sin(40 * y), np.sin(25 * (x + y))], -1)
    return (127 + 120 * stack).astype(np.uint8)


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    Image.fromarray(waves()).save(tmp_path / "waves.png")
    return tmp_path / "waves.png"


def test_the_result_stands_beside_the_picture_and_replays_to_the_same_bytes(run: Run, photo: Path, style: Path) -> None:
    code, out, err = run("style", photo, style, *QUICK)
    made = Path(out.strip())
    assert (code, made) == (0, photo.with_name("photo-style.png"))
    assert "64 x 48 px, 4 steps" in err and "seed 0" in err
    assert pixels(made).shape == (48, 64, 3)
    record = read_settings(made)
    assert record["config"]["style"] == ["waves.png:1"] and str(photo.parent) not in json.dumps(record)
    code, out, err = run("replay", made)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == made.read_bytes()


@pytest.mark.slow
def test_what_the_first_embedded_network_stylized_is_made_again_by_it(run: Run, photo: Path, style: Path) -> None:
    """Records of the time when it was the default say "embedded"; what is stylized now says the second one."""
    one, old = photo.with_name("one.png"), photo.with_name("old.png")
    assert run("style", photo, style, "-o", one, *QUICK)[0] == 0
    assert run("style", photo, style, "-o", old, "--model", "embedded", *QUICK)[0] == 0
    assert [read_settings(path)["config"]["model"] for path in (one, old)] == ["embedded-2", "embedded"]
    assert not np.array_equal(pixels(one), pixels(old))
    code, out, err = run("replay", old)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == old.read_bytes()


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_other_formats_replay_as_well_and_renamed_files_are_known_by_their_content(
    run: Run, photo: Path, style: Path, suffix: str
) -> None:
    made = photo.with_name(f"a{suffix}")
    assert run("style", photo, f"{style}:2", "-o", made, "--seed", 4, "--quality", 70, *QUICK)[0] == 0
    renamed = photo.rename(photo.with_name("another name.png"))
    code, out, err = run("replay", made, "--input", renamed)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == made.read_bytes()
    style.unlink()
    Path(out.strip()).unlink()
    code, _, err = run("replay", made, "--input", renamed)
    assert code == 2 and "waves.png" in err and err.count("\n") == 1


def test_an_older_result_is_not_replaced_and_a_finished_one_not_made_again(run: Run, photo: Path, style: Path) -> None:
    first = Path(run("style", photo, style, *QUICK)[1].strip())
    second = Path(run("style", photo, style, *QUICK)[1].strip())
    assert second == first
    stamp, before = first.stat().st_mtime_ns, first.read_bytes()
    code, out, err = run("style", photo, f"{style}:1", "-o", first, *QUICK)
    assert (code, out.strip()) == (0, str(first)) and "there already" in err
    assert first.stat().st_mtime_ns == stamp
    code, out, err = run("style", photo, style, "-o", first, "--seed", 3, "--init", "noise", *QUICK)
    assert (code, Path(out.strip()).name) == (0, "photo-style-2.png") and "is kept" in err
    assert first.read_bytes() == before != Path(out.strip()).read_bytes()
    assert run("style", photo, style, "-o", first, "--overwrite", *QUICK)[0] == 0
    assert first.stat().st_mtime_ns != stamp and first.read_bytes() == before
    for source in (photo, style):
        kept = source.read_bytes()
        code, _, err = run("style", photo, style, "-o", source, "--overwrite", *QUICK)
        assert code == 2 and "which it is made from" in err and source.read_bytes() == kept


@pytest.mark.slow
def test_a_folder_with_a_broken_picture_is_stylized_and_a_rerun_makes_only_what_is_missing(
    run: Run, photo: Path, style: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.fromarray(scene(80, 90)).save(folder / name)
    (folder / "broken.png").write_bytes(photo.read_bytes()[:300])
    code, printed, err = run("style", folder, style, "-o", out, "--workers", 1, *QUICK)
    assert code == 2
    assert names(out) == {"a.png", "b.png"} and len(printed.splitlines()) == 2
    failures = [line for line in err.splitlines() if line.startswith("reverie: ")]
    assert len(failures) == 1 and "broken.png" in failures[0]
    assert "2 made, 1 failed" in err.splitlines()[-1]
    (folder / "broken.png").unlink()
    (out / "b.png").unlink()
    code, _, err = run("style", folder, style, "-o", out, "--workers", 1, *QUICK)
    assert code == 0 and "1 made, 1 there already" in err
    code, _, err = run("replay", out / "a.png", "--input", folder / "a.png", "--files", style.parent)
    assert code == 0 and "the bytes are the same" in err


def test_a_sheet_has_a_row_for_every_style_and_a_column_for_every_strength(
    run: Run, photo: Path, style: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.jpg"
    options = ("--steps", 1, "--size", 48, "--min-size", 48, "--min-steps", 1, "--device", "cpu", "--precision", "fp32")
    assert run("style", photo, style, "--sheet", "0.2,0.5,0.9", "-o", sheet, *options)[0] == 0
    height, width = pixels(sheet).shape[:2]
    assert width > 2.5 * height
    for text in ("0.2,much", "1.5", ""):
        code, _, err = run("style", photo, style, "--sheet", text, "-o", sheet, *options)
        assert code == 2 and "--sheet takes strengths" in err and err.count("\n") == 1


def test_bytes_through_pipes(photo: Path, style: Path, tmp_path: Path, monkeypatch, capfdbinary) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(photo.read_bytes())))
    assert main(["style", "-", str(style), *map(str, QUICK), "--format", "jpg"]) == 0
    out = capfdbinary.readouterr().out
    with Image.open(io.BytesIO(out)) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))
    (tmp_path / "piped.jpg").write_bytes(out)
    assert read_settings(tmp_path / "piped.jpg")["input"]["name"] == "stdin"


def test_a_terminal_is_neither_read_from_nor_written_to(run: Run, photo: Path, style: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    code, _, err = run("style", "-", style, "-o", photo.with_name("out.png"))
    assert code == 2 and "terminal" in err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    code, _, err = run("style", photo, style, "-o", "-")
    assert code == 2 and "terminal" in err


@pytest.mark.slow
def test_like_takes_settings_and_styles_to_another_picture(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.png"
    assert run("style", photo, style, "-o", made, "--strength", 0.8, "--smooth", 0.1, *QUICK)[0] == 0
    Image.fromarray(scene(100, 60)).save(tmp_path / "other.png")
    code, out, _ = run("style", tmp_path / "other.png", "--like", made, "--seed", 5, "--size", 64)
    assert code == 0
    config = read_settings(out.strip())["config"]
    assert (config["strength"], config["smooth"], config["seed"], config["steps"]) == (0.8, 0.1, 5, 2)
    assert config["style"] == ["waves.png:1"]
    code, _, err = run("style", tmp_path / "other.png", style, "--like", photo)
    assert code == 2 and "carries no settings" in err


def interrupt_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import reverie.tools.style_steps.transfer as module

    steps = module.style_steps

    def interrupted(*arguments: object, **named: object):
        for step in steps(*arguments, **named):  # type: ignore[arg-type]
            yield step
            if step.index == number:
                raise KeyboardInterrupt

    monkeypatch.setattr(module, "style_steps", interrupted)


@pytest.mark.parametrize("stop", [2, 3])
def test_ctrl_c_keeps_picture_and_state_and_the_run_goes_on_from_there(
    run: Run, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    whole, target = photo.with_name("whole.png"), photo.with_name("out.png")
    assert run("style", photo, style, "-o", whole, *QUICK)[0] == 0
    with monkeypatch.context() as patch:
        interrupt_at(stop, patch)
        code, out, err = run("style", photo, style, "-o", target, *QUICK)
    assert (code, out) == (130, "")
    assert f"step {stop} of 4" in err and "out-stopped.png" in err and "out-stopped.reverie" in err
    assert names(photo.parent) == {"photo.png", "waves.png", "whole.png", "out-stopped.png", "out-stopped.reverie"}
    assert pixels(target.with_name("out-stopped.png")).shape == (48, 64, 3)
    state = target.with_name("out-stopped.reverie")
    code, _, err = run("style", photo, style, "-o", target, "--resume-from", state, *QUICK)
    assert code == 0, err
    assert np.array_equal(pixels(target), pixels(whole))


def test_a_stopped_picture_replays_to_its_bytes(
    run: Run, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(2, patch)
        assert run("style", photo, style, "-o", photo.with_name("out.png"), *QUICK)[0] == 130
    stopped = photo.with_name("out-stopped.png")
    code, out, err = run("replay", stopped)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == stopped.read_bytes()


def test_ctrl_c_before_the_first_step_leaves_nothing(
    run: Run, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import reverie.tools.style_steps.transfer as module

    def interrupted(*_: object, **__: object):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(module, "style_steps", interrupted)
    code, _, err = run("style", photo, style, *QUICK)
    assert code == 130 and "nothing was written" in err
    assert names(photo.parent) == {"photo.png", "waves.png"}


def test_a_preview_is_stylized_larger_from_its_state(run: Run, photo: Path, style: Path) -> None:
    small, large = photo.with_name("small.png"), photo.with_name("large.png")
    code, _, err = run("style", photo, style, "-o", small, "--keep-state", *QUICK)
    assert code == 0 and "small.reverie" in err
    options = [value for value in QUICK if value not in ("--size", 64)]
    state = small.with_suffix(".reverie")
    code, _, _ = run("style", photo, style, "-o", large, "--resume-from", state, "--size", 72, *options)
    assert code == 0 and pixels(large).shape == (54, 72, 3)
    code, out, err = run("replay", large)
    assert code == 0 and "the bytes are the same" in err
    Path(out.strip()).unlink()
    kept = state.read_bytes()
    state.write_bytes(kept[:-1])
    code, _, err = run("replay", large)
    assert code == 2 and "small.reverie" in err and err.count("\n") == 1
    state.unlink()
    code, _, err = run("replay", large)
    assert code == 2 and "small.reverie" in err and err.count("\n") == 1
    state.write_bytes(kept)
    code, _, err = run("style", photo, style, "-o", large, "--resume-from", photo, *QUICK)
    assert code == 2 and "no state" in err and err.count("\n") == 1


def test_a_full_disk_leaves_nothing(run: Run, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    code, out, err = run("style", photo, style, "--keep-state", *QUICK)
    assert (code, out) == (1, "")
    assert "No space left" in err.strip().splitlines()[-1]
    assert names(photo.parent) == {"photo.png", "waves.png"}


def test_scores_that_are_no_number_are_taken_back_and_said(
    run: Run, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reverie.errors import GradientError
    from reverie.optimize.two_pass import TwoPass

    judge, calls = TwoPass.scored, []

    def broken(self: TwoPass, *arguments: object):
        calls.append(1)
        if len(calls) == 2:
            raise GradientError("the score is not a number")
        return judge(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TwoPass, "scored", broken)
    code, out, err = run("style", photo, style, *QUICK)
    assert code == 0 and Path(out.strip()).exists()
    assert "not a number" in err and "taken back" in err


def test_a_dry_run_prints_decisions_and_writes_nothing(run: Run, photo: Path, style: Path) -> None:
    code, out, _ = run("style", photo, style, "--dry-run", "--size", 100, "--min-size", 16, "--tile", 64)
    assert code == 0
    plan = json.loads(out)
    assert plan["size"] == [100, 75] and plan["scales"][-1]["tile_px"] == 64
    assert min(plan["scales"][0]["size"]) >= 4 and plan["scales"][0]["size"] < [100, 75]
    assert names(photo.parent) == {"photo.png", "waves.png"}


def test_a_replay_does_not_replace_what_it_repeats(run: Run, photo: Path, style: Path) -> None:
    made = photo.with_name("made.png")
    assert run("style", photo, style, "-o", made, *QUICK)[0] == 0
    before = made.read_bytes()
    code, _, err = run("replay", made, "-o", made)
    assert code == 2 and "would replace" in err and made.read_bytes() == before


def test_a_sheet_of_a_folder_has_a_row_for_each_of_its_pictures(run: Run, photo: Path, style: Path) -> None:
    folder = photo.parent / "styles"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(style.read_bytes())
    sheet = photo.with_name("sheet.png")
    code, _, err = run("style", photo, folder, "--sheet", "0.2,0.8", "-o", sheet, *QUICK)
    assert code == 0, err
    found = read_settings(sheet)["captions"]
    assert [text.split(",")[0] for text in found] == ["a", "a", "b", "b", "a + b", "a + b"]
