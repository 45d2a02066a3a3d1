"""`reverie dream`, `replay`, `classify`, `models`: what a user sees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

from reverie.media.metadata import read_settings
from reverie.media.write import write_picture

QUICK = ("--steps", 2, "--octaves", 2)


def size_of(out: str) -> tuple[int, int]:
    with Image.open(out.strip()) as image:
        return image.size


def test_help_and_version_do_not_import_torch() -> None:
    program = (
        "import sys; from reverie.apps.cli.main import main; "
        "codes = [main(['--help']), main(['--version']), main(['train', '--help']), main(['dream', '--help'])]; "
        "assert codes == [0, 0, 0, 0], codes; assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "dream" in done.stdout and "--octaves" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "dream",
        "style",
        "compare",
        "visualize",
        "atlas",
        "replay",
        "classify",
        "train classifier",
        "train evaluate",
        "models list",
        "models show",
        "models fetch",
    ],
)
def test_every_command_has_help(run: Run, command: str) -> None:
    code, out, _ = run(*command.split(), "--help")
    assert code == 0
    assert f"reverie {command}" in out


def test_dream_writes_beside_the_picture_and_never_over_a_result_of_other_settings(run: Run, photo: Path) -> None:
    first = run("dream", photo, *QUICK)
    again = run("dream", photo, *QUICK)
    other = run("dream", photo, *QUICK, "--seed", 1)
    assert first[0] == again[0] == other[0] == 0
    assert Path(first[1].strip()).name == Path(again[1].strip()).name == "photo-dream.png"
    assert "there already" in again[2]
    assert Path(other[1].strip()).name == "photo-dream-2.png"
    assert "'photo-dream.png' has other settings and is kept" in other[2]
    assert "seed 0" in first[2]
    assert "4 steps" in first[2]
    dreamt = np.asarray(Image.open(first[1].strip())).astype(float)
    assert dreamt.shape == (96, 128, 3)
    assert 1 < np.abs(dreamt - scene()).mean() < 40


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif", ".tiff"])
def test_replay_makes_the_same_bytes_in_every_format(run: Run, photo: Path, suffix: str) -> None:
    target = photo.with_name("out" + suffix)
    assert run("dream", photo, "-o", target, "--seed", 5, "--quality", 77, *QUICK)[0] == 0
    code, out, err = run("replay", target)
    assert code == 0
    assert "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == target.read_bytes()


def test_settings_inside_hold_no_paths_and_all_that_is_needed(run: Run, photo: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, "--layer", "mixed4a:2", "--layer", "mixed3b", *QUICK)[0] == 0
    record = read_settings(target)
    assert str(photo.parent) not in json.dumps(record)
    assert record["config"]["layer"] == ["mixed4a:2", "mixed3b"]
    assert record["config"]["seed"] == 0
    assert record["config"]["precision"] in ("fp32", "fp32-fused-2", "bf16")
    assert record["input"]["name"] == "photo.png" and len(record["input"]["sha256"]) == 64
    assert len(record["model"]["sha256"]) == 64


def test_replay_refuses_another_original(run: Run, photo: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, *QUICK)[0] == 0
    Image.fromarray(scene()[::-1].copy()).save(photo)
    code, _, err = run("replay", target)
    assert code == 2
    assert "sha256" in err
    photo.unlink()
    code, _, err = run("replay", target)
    assert code == 2
    assert "--input" in err


def test_replay_of_renamed_files_makes_the_same_bytes(run: Run, photo: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, *QUICK)[0] == 0
    renamed = photo.rename(photo.with_name("another name.png"))
    code, out, err = run("replay", target, "--input", renamed)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == target.read_bytes()


def test_replay_in_another_format_says_why_the_bytes_differ(run: Run, photo: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, *QUICK)[0] == 0
    code, _, err = run("replay", target, "-o", photo.with_name("again.jpg"))
    assert code == 0 and "only another .png could have the same bytes" in err


def test_what_a_format_cannot_hold_is_said(run: Run, tmp_path: Path) -> None:
    clear = tmp_path / "clear.png"
    alpha = np.full(scene().shape[:2], 128, np.uint8)
    Image.fromarray(np.dstack([scene(), alpha])).save(clear)
    code, _, err = run("dream", clear, "-o", tmp_path / "flat.jpg", *QUICK)
    assert code == 0 and "laid on white" in err
    deep = tmp_path / "deep.tif"
    write_picture(deep, scene(), settings=None)
    code, _, err = run("dream", deep, "-o", tmp_path / "shallow.jpg", *QUICK)
    assert code == 0 and "holds 8 bits" in err


def test_the_summary_names_the_class(run: Run, photo: Path) -> None:
    code, _, err = run("dream", photo, "--class", "goldfish", *QUICK)
    assert code == 0 and "class goldfish" in err


def test_like_takes_settings_to_another_picture(run: Run, photo: Path, tmp_path: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, "--layer", "mixed3a", "--seed", 9, *QUICK)[0] == 0
    other = tmp_path / "other.png"
    Image.fromarray(scene(64, 80)).save(other)
    code, out, _ = run("dream", "--like", target, other, "--seed", 10)
    assert code == 0
    config = read_settings(out.strip())["config"]
    assert (config["layer"], config["seed"], config["steps"]) == (["mixed3a"], 10, 2)
    assert size_of(out) == (80, 64)


def test_alpha_is_kept_and_gps_is_not(run: Run, tmp_path: Path) -> None:
    rgba = np.dstack([scene(), np.full((96, 128), 255, np.uint8)])
    rgba[:30, :, 3] = 40
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(rgba).save(tmp_path / "clear.png", exif=exif)
    code, out, _ = run("dream", tmp_path / "clear.png", *QUICK)
    assert code == 0
    dreamt = Image.open(out.strip())
    assert np.array_equal(np.asarray(dreamt)[..., 3], rgba[..., 3])
    assert not dreamt.getexif().get_ifd(0x8825)


def test_sixteen_bit_in_sixteen_bit_out(run: Run, photo: Path) -> None:
    import tifffile

    target = photo.with_name("out.tif")
    assert run("dream", photo, "-o", target, *QUICK)[0] == 0
    values = tifffile.imread(target)
    assert values.dtype == np.uint16
    assert len(np.unique(values % 257)) > 10  # more than eight bits are really used


def test_a_class_from_noise(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("dream", "--class", "goldfish", "--size", 96, "--steps", 2, "--octaves", 2)
    assert code == 0
    assert "24 steps" in err
    assert size_of(out) == (96, 96)
    code, out, _ = run("replay", out.strip())
    assert code == 0


def test_dry_run_prints_decisions_and_writes_nothing(run: Run, photo: Path) -> None:
    code, out, _ = run("dream", photo, "--dry-run", "--tile", 64, "--octave-scale", 1.1)
    assert code == 0
    plan = json.loads(out)
    assert plan["size"] == [128, 96]
    assert plan["tiles"] > 1 and plan["halo_px"] > 0
    assert {p.name for p in photo.parent.iterdir()} == {"photo.png"}


@pytest.mark.slow
def test_layers_lists_names(run: Run) -> None:
    code, out, _ = run("dream", "--layers")
    assert code == 0
    assert "mixed4b" in out and "logits" in out


def test_classify_names_pictures_and_reports_the_broken_ones(run: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no")
    code, out, err = run("classify", "embedded", tmp_path, "--json", "--top", 2)
    assert code == 2
    assert "bad.png" in err
    record = json.loads(out)
    assert Path(record["picture"]).name == "photo.png"
    assert len(record["classes"]) == 2
    assert 0 < record["classes"][1]["probability"] <= record["classes"][0]["probability"] <= 1


def test_models_list_and_show(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    code, out, _ = run("models")
    assert code == 0
    for name in ("embedded", "googlenet", "inception_v3", "vgg16", "vgg19", "resnet50", "squeezenet1_1"):
        assert name in out
    code, out, _ = run("models", "show", "squeezenet1_1", "--weights", "random", "--json")
    assert code == 0
    layers = {x["name"]: x for x in json.loads(out)["layers"]}
    assert (layers["fire9"]["channels"], layers["fire9"]["stride_px"]) == (512, 16)
    assert layers["fire2"]["receptive_field_px"] == 15


def test_a_sheet_varies_settings_that_take_several_values(run: Run, photo: Path) -> None:
    sheet = photo.with_name("sheet.png")
    assert run("dream", photo, "--sheet", "layer=mixed3a,mixed4a;steps=1", "-o", sheet, *QUICK)[0] == 0
    record = read_settings(sheet)
    assert record["captions"] == ["layer mixed3a", "layer mixed4a"]
    code, out, err = run("replay", sheet)
    assert code == 0 and "the bytes are the same" in err and out
