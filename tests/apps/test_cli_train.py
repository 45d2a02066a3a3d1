"""The first path: pictures become a classifier, the classifier becomes a critic, a photo becomes a dream."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run
from PIL import Image
from safetensors.numpy import load_file

SETTINGS = ("--input-px", 32, "--batch", 16, "--lr", 0.4, "--ema", 0.5, "--precision", "fp32")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that differ by the direction of their stripes and by color, 24 pictures each."""
    folder = tmp_path_factory.mktemp("data") / "stripes"
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:40, 0:40]
    for name, (dy, dx), color in (("across", (1, 0), 0), ("down", (0, 1), 1), ("diagonal", (1, 1), 2)):
        (folder / name).mkdir(parents=True)
        for number in range(24):
            wave = 0.5 + 0.4 * np.sin((dy * y + dx * x) * 0.8 + random.uniform(0, 6))
            rgb = np.repeat(wave[..., None], 3, axis=2) + random.normal(0, 0.05, (40, 40, 3))
            rgb[..., color] += 0.3
            Image.fromarray((rgb.clip(0, 1) * 255).astype(np.uint8)).save(folder / name / f"{number}.png")
    (folder / "across" / "broken.png").write_bytes(b"nothing")
    return folder


@pytest.mark.slow  # one by one and with fewer epochs in test_cli_trainers.py and tests/train/test_training.py
def test_train_evaluate_classify_and_dream(run: Run, dataset: Path, tmp_path: Path, photo: Path) -> None:
    output = tmp_path / "run"
    code, out, err = run("train", "classifier", dataset, "-o", output, *SETTINGS, "--epochs", 10)
    assert code == 0, err
    model = Path(out.strip())
    assert model == output / "model.safetensors"
    assert "1 unreadable" in err or "broken.png" in err
    assert "waited for data" in err
    names = {p.name for p in output.iterdir()}
    for name in ("confusion.png", "confusion.csv", "per_class.csv", "mistakes.png", "metrics.jsonl", "metrics.csv"):
        assert name in names
    assert not [n for n in names if n.endswith((".part", ".u8"))]

    code, out, _ = run("train", "evaluate", model, dataset, "--json")
    assert code == 0
    assert json.loads(out)["top1"] > 0.8

    code, out, _ = run("classify", model, dataset / "down" / "3.png", "--json")
    assert code == 0
    assert json.loads(out)["classes"][0]["name"] == "down"

    code, out, err = run("dream", "--class", "diagonal", photo, "--model", model, "--steps", 3, "--octaves", 1)
    assert code == 0, err
    code, out, err = run("replay", out.strip(), "--model", model)
    assert code == 0
    assert "the bytes are the same" in err


@pytest.mark.slow
def test_a_second_run_is_found_or_counted_up(run: Run, dataset: Path, tmp_path: Path, no_report: None) -> None:
    output, command = tmp_path / "run", ("train", "classifier", dataset, "-o", tmp_path / "run", *SETTINGS)
    assert run(*command, "--epochs", 0.5)[0] == 0
    before = (output / "model.safetensors").read_bytes()
    code, out, err = run(*command, "--epochs", 0.5)
    assert (code, out.strip()) == (0, str(output / "model.safetensors"))
    assert "there already" in err
    code, out, err = run(*command, "--epochs", 0.7)
    assert (code, out.strip()) == (0, str(tmp_path / "run-2" / "model.safetensors"))
    assert "'run' has other settings and is kept" in err
    assert (output / "model.safetensors").read_bytes() == before
    code, out, err = run(*command, "--resume")
    assert (code, out.strip()) == (0, str(output / "model.safetensors"))
    assert "is finished; there is nothing to resume" in err
    code, _, err = run(*command, "--epochs", 9, "--resume")
    assert code == 2
    assert "--epochs is 9.0" in err


def test_bad_data_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "not.zip").write_bytes(b"no zip")
    for data in (tmp_path / "absent", tmp_path / "empty", tmp_path / "not.zip"):
        code, out, err = run("train", "classifier", data, "-o", tmp_path / "run")
        assert (code, out) == (2, ""), err
        lines = err.strip().splitlines()
        assert lines[-1].startswith("reverie: ") and "Traceback" not in err
        assert len(lines) == (2 if data.name == "empty" else 1), err
        assert not (tmp_path / "run").exists()


def test_a_recipe_sets_defaults_and_options_win(run: Run, dataset: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("architecture: vgg\nepochs: 3\nmin_scale: 0.7\n")
    code, out, _ = run("train", "classifier", dataset, "--recipe", recipe, "--epochs", 2, "--dry-run")
    assert code == 0
    settings = json.loads(out)["config"]
    assert (settings["architecture"], settings["epochs"], settings["min_scale"]) == ("vgg", 2, 0.7)


def test_ctrl_c_while_pictures_are_read_advises_no_resume(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reverie.data.pack.read_square", pressed)
    code, out, err = run("train", "classifier", dataset, "-o", tmp_path / "run", *SETTINGS)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "reverie: stopped by Ctrl-C before the first step; nothing was written"
    assert "--resume" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_ctrl_c_while_training_tells_how_to_go_on(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_report: None
) -> None:
    from reverie.apps.cli.progress import Bar

    seen: list[str] = []

    def pressed(_bar: Bar, _share: float, note: str, _eta: float | None = None) -> None:
        seen.append(note)
        if len(seen) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Bar, "update", pressed)
    output = tmp_path / "my run"
    command = ("train", "classifier", dataset, "-o", output, *SETTINGS, "--epochs", 1)
    code, _, err = run(*command)
    assert code == 130
    assert err.splitlines()[-1].endswith("the same command goes on from there")
    assert (output / "checkpoint.pt").is_file()
    assert (output / "model-stopped.safetensors").is_file()
    monkeypatch.undo()
    code, _, err = run("train", "classifier", dataset, "-o", output, "--resume")  # with the settings of the run
    assert code == 0, err
    assert run("train", "classifier", dataset, "-o", tmp_path / "whole", *SETTINGS, "--epochs", 1)[0] == 0
    made, whole = (load_file(folder / "model.safetensors") for folder in (output, tmp_path / "whole"))
    assert all((value == made[name]).all() for name, value in whole.items())


def test_a_diverging_run_ends_with_one_clear_line(run: Run, dataset: Path, tmp_path: Path) -> None:
    settings = ("--input-px", 32, "--batch", 16, "--precision", "fp32", "--epochs", 8, "--lr", 1000)
    code, out, err = run("train", "classifier", dataset, "-o", tmp_path / "run", *settings)
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith("reverie: training diverged: the loss is ")
    assert "start again with a --lr smaller than 1000" in last
    assert "Traceback" not in err and "nan" not in err.split("diverged")[0]
