"""`reverie visualize`, `reverie atlas` and the replay of what they draw, as a user sees them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

from reverie.media.metadata import read_settings
from reverie.tools.visualize.config import PRESETS, USUAL
from reverie.weights.embedded import embedded_path

QUICK = ("--steps", 2, "--crops", 2, "--size", 64)


def test_help_of_both_does_not_import_torch() -> None:
    program = (
        "import sys; from reverie.apps.cli.main import main; "
        "codes = [main(['visualize', '--help-all']), main(['atlas', '--help-all'])]; "
        "assert codes == [0, 0], codes; assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--spectrum-from" in done.stdout and "--channels" in done.stdout
    assert done.stdout.count("--model") == 0  # the network is named first


@pytest.mark.slow
def test_one_class_is_one_picture_that_replays_to_the_same_bytes(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "fish.png"
    code, out, err = run("visualize", "embedded", "--class", "goldfish", "-o", target, "--best-of", 2, *QUICK)
    assert code == 0
    assert out.strip() == str(target)
    assert "goldfish: " in err and "place" in err
    record = read_settings(target)
    assert record["tool"] == "visualize"
    assert record["config"]["class_name"] == "goldfish"
    assert record["config"]["best_of"] == 1  # the seed that was kept stands for the search
    assert record["chosen"]["seeds"] == 2
    assert str(tmp_path) not in str(record)
    code, out, err = run("replay", target)
    assert code == 0
    assert "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == target.read_bytes()


def asked(run: Run, *words: object) -> dict[str, object]:
    code, out, _ = run("visualize", *words, "--dry-run")
    assert code == 0
    return json.loads(out)["config"]


def test_classes_of_the_package_are_drawn_by_both_networks_unless_settings_say_otherwise(run: Run) -> None:
    names = ("ensemble", "cut", "smallest")
    clear = [PRESETS[USUAL][1][name] for name in names]
    usual = asked(run, "embedded", "--class", "goldfish")
    assert [usual[name] for name in names] == clear
    assert [asked(run, "embedded-1", "--class", "goldfish", "--preset", "clear")[name] for name in names] == clear
    for words in (
        ("embedded", "--layer", "mixed4b"), ("embedded-2", "--class", "goldfish"),
        ("embedded", "--class", "goldfish", "--preset", "classic"),
    ):  # fmt: skip
        assert not set(names) & set(asked(run, *words)), words  # as records were before there were such settings


@pytest.mark.slow
def test_a_network_file_that_draws_with_another_is_recorded_and_found_again(run: Run, tmp_path: Path) -> None:
    second = tmp_path / "second.safetensors"
    shutil.copy(embedded_path(), second)
    target = tmp_path / "fish.png"
    assert run("visualize", "embedded", "--class", "goldfish", "--ensemble", second, "-o", target, *QUICK)[0] == 0
    record = read_settings(target)
    assert record["config"]["ensemble"] == "second.safetensors"
    assert record["files"]["ensemble"]["sha256"] == hashlib.sha256(second.read_bytes()).hexdigest()
    code, _, err = run("replay", target)
    assert code == 0 and "the bytes are the same" in err
    like = tmp_path / "lemon.png"
    assert run("visualize", "--like", target, "--class", "lemon", "-o", like)[0] == 0
    assert read_settings(like)["config"]["ensemble"] == "second.safetensors"  # though it needs a class, which is new


def test_maco_with_alpha_and_a_measured_spectrum_replays_without_the_folder(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(scene()).save(folder / "one.png")
    target = tmp_path / "out.png"
    options = ("--prior", "maco", "--alpha", "--spectrum-from", folder)
    assert run("visualize", "embedded", "--class", "lion", "-o", target, *options, *QUICK)[0] == 0
    with Image.open(target) as image:
        assert image.mode == "RGBA"
        alpha = np.asarray(image)[..., 3]
    assert alpha.min() < 200 and alpha.max() == 255
    assert read_settings(target)["spectrum"]["pictures"] == 1
    (folder / "one.png").unlink()
    folder.rmdir()
    assert "the bytes are the same" in run("replay", target)[2]


def test_several_targets_fill_a_folder_and_a_rerun_draws_only_what_is_missing(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    command = (
        "visualize", "embedded", "--layer", "conv2", "--channel", 1, "--channel", 2, "--neuron", "conv3:4", "--batch",
        2, "-o", folder, *QUICK,
    )  # fmt: skip
    code, out, _ = run(*command)
    assert code == 0
    names = ["conv2-1-1.png", "conv2-1-2.png", "conv2-2-1.png", "conv2-2-2.png", "conv3-4-1.png", "conv3-4-2.png"]
    assert sorted(p.name for p in folder.iterdir()) == sorted([*names, "sheet.jpg"])
    assert out.split() == [str(folder / n) for n in (*names, "sheet.jpg")]
    whole = {p.name: p.read_bytes() for p in folder.iterdir()}
    (folder / names[2]).unlink()
    code, _, err = run(*command)
    assert code == 0
    assert "1 made, 6 there already" in err
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == whole
    assert "the bytes are the same" in run("replay", folder / names[3])[2]


def test_pictures_made_otherwise_are_kept_and_new_ones_counted_up(run: Run, tmp_path: Path) -> None:
    command = ("visualize", "embedded", "--layer", "conv2", "-o", tmp_path / "out", *QUICK)
    assert run(*command)[0] == 0
    code, out, err = run(*command, "--seed", 1)
    assert code == 0 and "--overwrite" in err
    assert out.split() == [str(tmp_path / "out" / "conv2-2.png")]
    assert run(*command, "--seed", 2, "--overwrite")[0] == 0
    seeds = {p.name: read_settings(p)["config"]["seed"] for p in (tmp_path / "out").iterdir()}
    assert seeds == {"conv2.png": 2, "conv2-2.png": 1}


def test_several_into_one_file_are_a_sheet_that_replays(run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.jpg"
    code, out, _ = run("visualize", "embedded", "--class", "lion,bee", "-o", sheet, *QUICK)
    assert code == 0
    assert out.split() == [str(sheet)]
    with Image.open(sheet) as image:
        assert image.width > 128
    code, _, err = run("replay", sheet)
    assert code == 0 and "the bytes are the same" in err


def test_the_settings_of_another_picture_draw_another_class(run: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    assert run("visualize", "embedded", "--layer", "conv2", "--channel", 3, "-o", first, "--seed", 5, *QUICK)[0] == 0
    assert run("visualize", "embedded", "--like", first, "--class", "bee", "-o", second)[0] == 0
    config = read_settings(second)["config"]
    assert (config["class_name"], config["layer"], config["channel"]) == ("bee", None, [])
    assert (config["seed"], config["steps"], config["size"]) == (5, 2, 64)


def test_decisions_of_one_and_of_several(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("visualize", "embedded", "--class", "lion", "--dry-run", *QUICK)
    assert code == 0 and json.loads(out)["target"] == "lion" and json.loads(out)["output"] == "embedded-lion.png"
    code, out, _ = run("visualize", "embedded", "--class", "lion,bee", "-o", tmp_path / "two", "--dry-run", *QUICK)
    assert code == 0 and json.loads(out)["results"] == ["lion.png", "bee.png", "sheet.jpg"]
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "nothing to draw"),
        (("--class", "unicornfish"), "no class called 'unicornfish'"),
        (("--class", "lion", "--prior", "gan"), "--prior must be one of"),
        (("--class", "lion", "--spectrum-from", "."), "--prior maco"),
        (("--class", "lion", "--alpha", "-o", "a.jpg"), "--alpha needs"),
        (("--channel", "3"), "--layer"),
        (("--class", "lion", "--quality", "0"), "--quality"),
    ],
)
def test_mistakes_are_one_line(run: Run, options: tuple[str, ...], message: str) -> None:
    code, out, err = run("visualize", "embedded", *options)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


ATLAS = ("--layer", "conv1", "--channels", 4, "--steps", 2, "--size", 32)


def test_an_atlas_is_drawn_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "atlas"
    command = ("atlas", "embedded", "-o", folder, *ATLAS)
    code, out, err = run(*command)
    assert code == 0
    assert out.strip() == str(folder) and (folder / "index.html").is_file()
    assert "conv1: 4 tiles" in err
    times = {p: p.stat().st_mtime_ns for p in (folder / "tiles").rglob("*.jpg")}
    assert len(times) == 4
    assert run(*command)[0] == 0
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert run(*command, "--layer", "conv2")[0] == 0  # a layer joins
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert len(list((folder / "tiles").rglob("*.jpg"))) == 8
    code, out, err = run(*command, "--seed", 3)
    assert code == 0 and out.strip() == f"{folder}-2" and "other settings" in err
    assert run(*command, "--seed", 3, "--overwrite")[0] == 0
    assert all(p.stat().st_mtime_ns != t for p, t in times.items())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["atlas", "atlas-2"]  # nothing is left beside


def test_an_atlas_of_an_earlier_version_goes_on(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "atlas"
    command = ("atlas", "embedded", "-o", folder, *ATLAS)
    assert run(*command)[0] == 0
    record = json.loads((folder / "job.json").read_text())
    old = {name: record[name] for name in ("tool", "version", "config", "model")}
    (folder / "job.json").unlink()
    (folder / "atlas.json").write_text(json.dumps(old))
    times = {p: p.stat().st_mtime_ns for p in (folder / "tiles").rglob("*.jpg")}
    assert run(*command)[0] == 0
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert (folder / "job.json").is_file() and not (folder / "atlas.json").exists()


def test_the_page_of_somebody_else_is_never_replaced(run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<p>mine</p>")
    code, out, err = run("atlas", "embedded", "-o", site, "--overwrite", *ATLAS)
    assert (code, out) == (2, "") and "was not made by Reverie" in err
    assert run("atlas", "embedded", "-o", tmp_path / "atlas", *ATLAS)[0] == 0
    (tmp_path / "atlas" / "index.html").write_text("<p>mine</p>")
    code, _, err = run("atlas", "embedded", "-o", tmp_path / "atlas", *ATLAS, "--layer", "conv2")
    assert code == 1 and "was not made by Reverie" in err
    assert {(p / "index.html").read_text() for p in (site, tmp_path / "atlas")} == {"<p>mine</p>"}


def test_a_part_of_an_atlas_says_how_it_is_made_again(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "atlas"
    assert run("atlas", "embedded", "-o", folder, *ATLAS)[0] == 0
    for part in (folder / "sheets" / "conv1.jpg", next((folder / "tiles").rglob("*.jpg"))):
        code, _, err = run("replay", part)
        assert code == 2 and "replay its folder" in err
    code, out, _ = run("replay", folder)
    assert code == 0
    again = Path(out.strip())
    assert {p.name: p.read_bytes() for p in again.rglob("*.jpg")} == {
        p.name: p.read_bytes() for p in folder.rglob("*.jpg")
    }
