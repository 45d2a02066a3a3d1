"""The trainers and what measures and names, as commands made from the registry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image
from safetensors import safe_open

import reverie
from reverie.apps.cli.places import place_words
from reverie.critic import statistics
from reverie.critic.open import open_critic
from reverie.jobs.stored import stored_record
from reverie.tools.registry import find_tool

SMALL = ("--steps", 2, "--batch", 2, "--crop-px", 64, "--precision", "fp32")
STUDENT = (*SMALL, "--width", 4, "--blocks", 0, "--style-size", 64, "--score", "gram")
CLASSIFIER = ("--input-px", 32, "--batch", 4, "--epochs", 1, "--precision", "fp32", "--architecture", "vgg")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for kind, turn in (("up", 0), ("down", 2)):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for number in range(4):
            rgb = np.rot90(scene(80, 96), turn).astype(np.int16) + number
            Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(tmp_path / "set" / kind / f"{number}.png")
    return tmp_path / "set"


def test_a_place_behind_several_takes_the_last():
    distill = find_tool("train distill")
    assert place_words(distill, ("a", "b", "c"), {}) == {"style": ("a", "b"), "data": "c"}
    assert place_words(distill, ("a",), {}) == {"style": ("a",)}
    assert place_words(distill, (), {}) == {}


def test_a_student_learns_by_its_old_and_its_new_name_and_replays(run: Run, pictures: Path, tmp_path: Path) -> None:
    style, file = pictures / "up" / "0.png", tmp_path / "s.safetensors"
    code, out, err = run("distill", f"{style}:2", pictures / "down" / "1.png", pictures, "-o", file, *STUDENT)
    assert (code, out.strip()) == (0, str(file)), err
    record = stored_record(file)
    assert record["tool"] == "train distill"
    assert record["config"]["style"] == ["0.png:2", "1.png"]
    assert str(tmp_path) not in json.dumps(record)
    code, _, err = run("train", "distill", f"{style}:2", pictures / "down" / "1.png", pictures, "-o", file, *STUDENT)
    assert code == 0
    assert "there already" in err
    assert not (tmp_path / "s.run").exists()
    code, _, err = run("replay", file, "--files", tmp_path)
    assert code == 0, err
    assert "the bytes are the same" in err


@pytest.mark.real  # a decoder fits the channels of the network that is shipped
@pytest.mark.slow
def test_the_network_for_any_style_lives_in_a_folder(run: Run, pictures: Path, tmp_path: Path) -> None:
    command = ("train", "adaptive", pictures, "--styles", pictures / "up", "-o", tmp_path / "run", *SMALL)
    code, out, err = run(*command)
    assert (code, out.strip()) == (0, str(tmp_path / "run" / "model.safetensors")), err
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"model.safetensors", "settings.json"}
    code, _, err = run("train", "adaptive", pictures, "-o", tmp_path / "other")
    assert code == 2
    assert "needs pictures to stylize, and styles" in err


@pytest.mark.slow
def test_the_folder_of_a_training_is_its_network_everywhere(
    run: Run, pictures: Path, tmp_path: Path, no_report: None
) -> None:
    folder = tmp_path / "run"
    assert run("train", "classifier", pictures, "-o", folder, *CLASSIFIER)[0] == 0
    code, out, _ = run("train", "evaluate", folder, pictures, "--json")
    assert code == 0
    assert json.loads(out)["pictures"] == 2
    code, out, err = run("train", "evaluate", folder, pictures, "-o", tmp_path / "report")
    assert (code, out.strip()) == (0, str(tmp_path / "report"))
    assert err.splitlines()[-1].startswith("100 percent") or "top1" in err
    assert {"confusion.png", "job.json", "per_class.csv"} <= {p.name for p in (tmp_path / "report").iterdir()}
    photo = pictures / "up" / "0.png"
    for command in (("classify", folder, photo), ("classify", photo, "--model", folder)):
        code, out, _ = run(*command, "--json")
        assert code == 0
        assert {c["name"] for c in json.loads(out)["classes"]} == {"up", "down"}
    code, _, err = run("dream", photo, "--model", folder, "--layer", "conv2_2", "--steps", 1, "--octaves", 1)
    assert code == 0, err


def test_channels_are_measured_at_the_end_of_a_training(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_report: None
) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "cache"))
    assert run("train", "classifier", pictures, "-o", tmp_path / "run", *CLASSIFIER)[0] == 0
    critic = open_critic(str(tmp_path / "run"), device="cpu", precision="fp32")
    measured: list[object] = []
    monkeypatch.setattr(statistics, "measure", lambda *args: measured.append(args))
    found = statistics.statistics_of(critic, [layer.name for layer in critic.layers])
    assert not measured
    with safe_open(tmp_path / "run" / "model.safetensors", framework="np") as file:
        stored = file.get_tensor("channel_statistics/conv2_2/std")
    assert np.allclose(found["conv2_2"].std.numpy(), stored) and (stored > 0).all()


def test_names_are_given_by_the_embedded_network_and_written_as_a_table(run: Run, photo: Path, tmp_path: Path) -> None:
    code, out, _ = run("classify", photo, "--top", 2)
    assert code == 0
    assert out.startswith(f"{photo}  ") and out.count("%") == 2
    assert run("classify", "embedded", photo, "--top", 2)[1] == out
    (tmp_path / "bad.png").write_bytes(b"no")
    code, out, err = run("classify", photo, tmp_path / "bad.png", "-o", tmp_path / "names.csv")
    assert (code, out.strip()) == (2, str(tmp_path / "names.csv"))
    assert "bad.png" in err
    rows = (tmp_path / "names.csv").read_text().splitlines()
    assert rows[0].startswith("picture,class 1,probability 1") and rows[1].startswith("photo.png,")
    assert run("classify", "embedded")[0] == 2
    code, _, err = run("classify", "vgg61", photo)
    assert code == 2
    assert "vgg16" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "classifier", "SET", "-o", "FILE"), "is a file; name a folder for the run"),
        (("train", "classifier", "SET", "-o", "x.safetensors", "--resume"), "no checkpoint to resume"),
        (("train", "classifier", "SET", "--model", "resnet18"), "--architecture"),
        (("train", "translate", "SET", "-o", "x.pt"), "is a .safetensors file"),
        (("distill", "FILE", "-o", "x.safetensors"), "DATA is missing"),
        (("distill", "FILE", "SET", "--export", "x.pb"), ".onnx"),
        (("train", "evaluate", "FILE", "SET"), "FILE"),
    ],
)
def test_bad_requests_are_one_line(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("x")
    code, out, err = run(*("set" if a == "SET" else a for a in arguments))
    assert (code, out) == (2, "")
    assert words in err and err.startswith("reverie: ") and err.count("\n") == 1
    assert {p.name for p in tmp_path.iterdir()} == {"FILE", "set"}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_keeps_what_ctrl_c_keeps(pictures: Path, tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "reverie", "train", "classifier", str(pictures), "-o", str(tmp_path / "run"),
               *("500" if word == 1 else str(word) for word in CLASSIFIER)]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(Path(reverie.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch 2"):
                break
        time.sleep(0.2)
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert "the same command goes on from there" in rest
    assert (tmp_path / "run" / "checkpoint.pt").is_file()
    assert (tmp_path / "run" / "model-stopped.safetensors").is_file()
    assert not list((tmp_path / "run").glob(".*.part"))


@pytest.mark.slow
def test_a_network_in_a_file_of_its_own_has_its_report_beside_it(run: Run, pictures: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for kind in ("up", "down"):
        (linked / kind).symlink_to(pictures / kind, target_is_directory=True)
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(pictures / "up" / "0.tif", scene(80, 96).astype(np.float32) / 255, photometric="rgb")
    (pictures / "up" / "0.png").unlink()
    code, out, err = run("train", "classifier", linked, "-o", tmp_path / "mine.safetensors", *CLASSIFIER)
    assert (code, out.splitlines()[0]) == (0, str(tmp_path / "mine.safetensors")), err
    assert "unreadable" not in err
    assert {"curves.png", "confusion.png"} <= {p.name for p in (tmp_path / "mine-report").iterdir()}
    assert not (tmp_path / "mine.run").exists()
    code, out, _ = run("classify", tmp_path / "mine.safetensors", pictures / "up" / "0.tif", "--json")
    assert code == 0
    assert len(json.loads(out)["classes"]) == 2


def test_a_shipped_translator_is_dreamt_by_its_name(run: Run, photo: Path, tmp_path: Path) -> None:
    command = ("dream", photo, "--model", "sobel", "--size", 64, "--steps", 1, "--octaves", 1)
    code, out, err = run(*command, "-o", tmp_path / "dreamt.png")
    assert (code, out.strip()) == (0, str(tmp_path / "dreamt.png")), err
    assert not np.array_equal(np.asarray(Image.open(tmp_path / "dreamt.png")), np.asarray(Image.open(photo)))
    code, out, err = run(*command, "--overwrite", "-o", tmp_path / "dreamt.png")
    assert code == 0, err
