"""`reverie compare`, as a user sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

QUICK = ("--layers", 2, "--device", "cpu")


@pytest.fixture
def style(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:96, 0:128] / 128
    waves = np.stack([np.sin(30 * x), np.sin(40 * y), np.sin(25 * (x + y))], -1)
    Image.fromarray((127 + 120 * waves).astype(np.uint8)).save(tmp_path / "waves.png")
    return tmp_path / "waves.png"


def test_help_does_not_import_torch() -> None:
    program = (
        "import sys; from reverie.apps.cli.main import main; code = main(['compare', '--help-all']); "
        "assert code == 0; assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--judge" in done.stdout and "--sheet" in done.stdout


def test_a_table_has_a_row_for_every_layer_and_a_column_for_every_picture(run: Run, photo: Path, style: Path) -> None:
    code, out, _ = run("compare", photo, style, photo, style, *QUICK)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["photo.png", "waves.png"]
    assert lines[1].split() == ["style", "content"] * 2
    assert len(lines) == 2 + 2 + 1
    network, word, style_of_itself, content_of_itself, style_of_style, _ = lines[-1].split()
    assert (network, word) == ("embedded", "mean")
    assert (style_of_itself, content_of_itself, style_of_style) == ("1.000", "0.000", "0.000")


def test_pictures_of_another_size_are_resized_and_said(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    Image.fromarray(scene(60, 80)).save(tmp_path / "small.png")
    code, out, err = run("compare", photo, style, tmp_path / "small.png", *QUICK)
    assert code == 0 and out
    assert "'small.png' is 80 x 60 px; compared at 128 x 96 px" in err


def test_json_and_a_sheet(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    code, out, err = run("compare", photo, style, photo, "--json", "--sheet", sheet, *QUICK)
    assert code == 0
    record = json.loads(out)
    assert record["size"] == [128, 96]
    assert record["pictures"][0]["style"] == 1 and record["pictures"][0]["content"] == 0
    assert len(record["pictures"][0]["layers"]) == 2
    assert str(tmp_path) not in out
    assert str(sheet) in err and sheet.exists()
    code, out, _ = run("compare", photo, style, photo, "--sheet", sheet, *QUICK)
    assert code == 0 and out.splitlines()[-1] == str(sheet)
    code, _, err = run("replay", sheet)
    assert code == 0 and "the bytes are the same" in err


def test_a_table_may_be_a_file_and_lower_is_said_to_be_better(
    run: Run, photo: Path, style: Path, tmp_path: Path
) -> None:
    made = tmp_path / "table.csv"
    code, out, err = run("compare", photo, style, photo, "-o", made, *QUICK)
    assert code == 0 and "lower is better" in err
    assert out.split() == [str(made), str(tmp_path / "table-sheet.png")]
    assert made.read_text().splitlines()[0] == "picture,network,layer,style,content"
    code, out, _ = run("compare", photo, style, photo, "--dry-run", *QUICK)
    assert code == 0 and json.loads(out)["networks"] == "embedded"


@pytest.mark.slow
def test_the_style_that_a_run_took_on_is_measured_by_what_it_did_not_match(
    run: Run, photo: Path, style: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made.png"
    options = (
        "--size",
        96,
        "--min-size",
        96,
        "--steps",
        15,
        "--strength",
        0.9,
        "--device",
        "cpu",
        "--precision",
        "fp32",
    )
    assert run("style", photo, style, "-o", made, *options)[0] == 0
    code, out, err = run("compare", photo, style, made, "--size", 64, "--json", *QUICK)
    assert code == 0
    record = json.loads(out)
    assert 0 < record["pictures"][0]["style"] < 0.9 and record["pictures"][0]["content"] > 0
    assert "mixed3a" in record["networks"][0]["matched"]
    assert not set(record["networks"][0]["layers"]) & set(record["networks"][0]["matched"])
    assert "another picture" not in err and "another style" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photo.png", "waves.png"), "no picture to compare"),
        (("photo.png", "waves.png", "gone.png"), "gone.png"),
        (("photo.png", "photo.txt", "photo.png"), "photo.txt"),
        (("photo.png", "waves.png", "photo.png", "--judge", "vgg61"), "vgg16"),
        (("photo.png", "waves.png", "photo.png", "--layers", "0"), "--layers"),
        (("photo.png", "waves.png", "photo.png", "--size", "16"), "too small"),
        (("line.png", "waves.png", "photo.png"), "too small"),
        (("photo.png", "waves.png", "photo.png", "--sheet", "nowhere/a.png"), "nowhere"),
        (("photo.png", "waves.png", "photo.png", "--sheet", "a.doc"), ".doc"),
    ],
)
def test_mistakes_are_one_line(
    run: Run, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(photo.parent)
    Path("photo.txt").write_text("no picture")
    Image.fromarray(scene(100, 1)).save("line.png")
    code, out, err = run("compare", *arguments)
    assert (code, out) == (2, "")
    assert message in err and err.count("\n") == 1 and err.startswith("reverie: ")


@pytest.mark.slow
def test_a_stylized_picture_may_stand_between_content_and_style(run: Run, photo: Path, style: Path) -> None:
    made = photo.with_name("made.png")
    quick = ("--size", 64, "--min-size", 48, "--steps", 2, "--min-steps", 1, "--device", "cpu")
    assert run("style", photo, style, "-o", made, *quick)[0] == 0
    _, usual, _ = run("compare", photo, style, made, *QUICK)
    code, other, err = run("compare", photo, made, style, *QUICK)
    assert code == 0 and other == usual and f"'{made}' was stylized here: taken for the result" in err
