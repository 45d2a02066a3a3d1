"""Whole runs: they learn, they end when they should, and they leave behind what they promise."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
import torch
from trained import train_classifier

from reverie.errors import DataError, GradientError, InputError, LayerError
from reverie.train.evaluate import load_classifier
from reverie.weights.checkpoint import load_model

REPORT = {
    "model.safetensors", "settings.json", "metrics.jsonl", "metrics.csv", "evaluation.json",
    "per_class.csv", "confusion.csv", "confusion.png", "calibration.png", "curves.png", "confused_pairs.csv",
    "mistakes.png",
}  # fmt: skip


def test_separable_classes_are_learned(finished):
    _, steps, _ = finished
    assert steps[-1].phase == "done"
    assert steps[-1].metrics["top1"] >= 0.9


def test_a_run_leaves_its_report_and_no_pack(finished):
    output, steps, _ = finished
    names = {path.name for path in output.iterdir() if path.is_file()}
    assert names == REPORT
    assert steps[-1].output == output / "model.safetensors"


def test_the_global_generator_is_left_alone(finished):
    assert finished[2]


def test_progress_rises_and_time_is_told(finished):
    steps = [s for s in finished[1] if s.phase in ("train", "epoch")]
    progress = [s.progress for s in steps]
    assert progress == sorted(progress)
    assert progress[-1] == 1
    assert all(0 <= s.wait_share <= 1 and s.pictures_per_s > 0 for s in steps)
    assert all(s.size_px > 0 and s.lr > 0 for s in steps)
    assert steps[-1].eta_s == 0
    sizes = [s.size_px for s in steps if s.phase == "train"]
    assert sizes == sorted(sizes) and (sizes[0], sizes[-1]) == (16, 32)


def test_the_log_holds_every_epoch(finished):
    output, steps, _ = finished
    lines = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    epochs = [line for line in lines if line["phase"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4, 5, 6]
    table = _table(output / "metrics.csv")
    shown = [s.metrics["top1"] for s in steps if s.phase == "epoch"]
    assert [float(row["top1"]) for row in table] == pytest.approx(shown, abs=1e-5)
    told = [(s.lr, s.size_px) for s in steps if s.phase == "epoch"]
    assert [float(row["lr"]) for row in table] == pytest.approx([lr for lr, _ in told], abs=1e-6)
    assert [int(row["size_px"]) for row in table] == [px for _, px in told]
    assert min(float(row["lr"]) for row in table) > 0 and int(table[-1]["size_px"]) == 32


def test_the_file_describes_itself(finished):
    output, steps, _ = finished
    state, about = load_model(output / "model.safetensors")
    assert about.classes == ("dots", "plain", "stripes")
    assert (about.architecture, about.input_px, about.kind) == ("vgg", 32, "classifier")
    assert about.data["train"] == 108 and about.data["val"] == 12
    assert about.metrics["top1"] == pytest.approx(steps[-1].metrics["top1"], abs=1e-5)
    assert len(about.color_correlation) == 3
    assert all(v.dtype == torch.float16 for v in state.values() if v.is_floating_point())
    assert str(output) not in json.dumps(about.recipe)


@pytest.mark.slow
def test_the_time_budget_is_kept(textures, quick, tmp_path):
    began = time.monotonic()
    steps = list(train_classifier(textures, tmp_path / "run", quick(minutes=1.5 / 60)))
    moments = [s for s in steps if s.phase in ("train", "epoch")]
    assert time.monotonic() - began > 1.5
    assert moments[-1].phase == "epoch" and moments[-1].progress == 1
    trained = [s for s in moments if s.phase == "train"]
    assert all(s.progress < 1 for s in trained[:-1])  # the first step beyond the budget was the last
    assert steps[-1].output.is_file()


def test_patience_ends_a_run_and_keeps_the_best_epoch(textures, quick, tmp_path, last):
    config = quick(epochs=50.0, lr=1e-9, ema=0.0, patience=2)  # nothing gets better than the first weights
    done = last(train_classifier(textures, tmp_path / "run", config))
    assert done.epoch <= 6
    tops = [r["top1"] for r in _epochs(tmp_path / "run")]
    assert done.metrics["top1"] == pytest.approx(max(tops), abs=1e-4)


def test_patience_needs_held_out_pictures(textures, quick, tmp_path):
    with pytest.raises(InputError, match="--patience needs held-out"):
        list(train_classifier(textures, tmp_path / "run", quick(patience=1, val_share=0.0)))


def test_nothing_held_out_still_gives_a_network(textures, quick, tmp_path, last):
    done = last(train_classifier(textures, tmp_path / "run", quick(epochs=0.5, val_share=0.0)))
    assert done.output.is_file()
    assert done.metrics == {}


def test_frozen_layers_do_not_change(textures, quick, tmp_path, last):
    first = last(train_classifier(textures, tmp_path / "a", quick(epochs=1.0))).output
    config = quick(epochs=1.0, init=str(first), freeze_to="conv3_1", seed=5, weight_decay=0.1)
    second = last(train_classifier(textures, tmp_path / "b", config)).output
    before, after = load_model(first)[0], load_model(second)[0]
    frozen = [n for n in before if n.startswith(("stages.conv1", "stages.conv2", "stages.conv3_1"))]
    assert len(frozen) == 4 * 6  # kernel, and weight, bias, mean, variance, count of BatchNorm
    assert all(torch.equal(before[n], after[n]) for n in frozen)
    assert not torch.equal(before["stages.conv3_2.conv.weight"], after["stages.conv3_2.conv.weight"])


def test_fine_tuning_keeps_the_normalization_of_its_start(textures, make_textures, quick, tmp_path, last):
    first = last(train_classifier(textures, tmp_path / "a", quick(epochs=0.3))).output
    other = make_textures(tmp_path / "other", {"dots": 12, "stripes": 12}, seed=9)
    second = last(train_classifier(other, tmp_path / "b", quick(epochs=0.3, init=str(first)))).output
    start, tuned = load_model(first)[1], load_model(second)[1]
    assert (tuned.mean, tuned.std) == (start.mean, start.std)
    assert tuned.classes == ("dots", "stripes")
    assert tuned.recipe["init"] == "model.safetensors"  # no folder of this machine


def test_a_missing_layer_names_the_nearest(textures, quick, tmp_path):
    with pytest.raises(LayerError, match="conv3_1"):
        list(train_classifier(textures, tmp_path / "run", quick(freeze_to="conv3_x")))


@pytest.mark.slow
def test_unbalanced_classes_with_weights(make_textures, quick, tmp_path, last):
    data = make_textures(tmp_path / "data", {"dots": 60, "stripes": 8})
    done = last(
        train_classifier(
            data, tmp_path / "run", quick(epochs=8.0, class_weights=True, label_smoothing=0.0), report=True
        )
    )
    table = {row["class"]: row for row in _table(tmp_path / "run" / "per_class.csv")}
    assert table["stripes"]["support"] == "1" and table["dots"]["support"] == "6"
    assert done.metrics["top1"] == 1


@pytest.mark.slow
def test_robust_training_runs_and_learns(textures, quick, tmp_path, last):
    config = quick(epochs=4.0, robust=0.5, robust_steps=2)
    assert last(train_classifier(textures, tmp_path / "run", config)).metrics["top1"] > 0.6


def test_broken_pictures_are_left_out_and_reported(make_textures, quick, tmp_path, last):
    data = make_textures(tmp_path / "data", {"dots": 20, "stripes": 20})
    (data / "dots" / "003.png").write_bytes(b"")
    (data / "stripes" / "004.png").write_bytes((data / "stripes" / "005.png").read_bytes()[:60])
    steps = list(train_classifier(data, tmp_path / "run", quick(epochs=0.3)))
    assert "left out 2 unreadable pictures, named in" in steps[1].message
    assert (tmp_path / "run" / "broken.txt").read_text().splitlines() == ["dots/003.png", "stripes/004.png"]
    about = load_model(steps[-1].output)[1]
    assert about.data["train"] + about.data["val"] == 38


def test_one_class_is_refused(make_textures, quick, tmp_path):
    with pytest.raises(DataError, match="one class only"):
        list(train_classifier(make_textures(tmp_path / "d", {"dots": 4}), tmp_path / "run", quick()))


def test_a_diverging_run_says_so_and_keeps_no_broken_checkpoint(textures, quick, tmp_path):
    config = quick(epochs=3.0, lr=1e30, warmup=0.0, label_smoothing=0.0)
    with pytest.raises(GradientError, match=r"diverged: .* --lr smaller than 1e\+30$"):
        list(train_classifier(textures, tmp_path / "run", config))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_torchvision_networks_train(textures, quick, tmp_path, last):
    config = quick(architecture="resnet18", epochs=0.2, lr=0.05)
    output = last(train_classifier(textures, tmp_path / "run", config)).output
    net, about = load_classifier(output)
    assert about.architecture == "resnet18"
    assert net(torch.zeros(1, 3, 32, 32)).shape == (1, 3)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _epochs(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["phase"] == "epoch"]
