"""Evaluating a network file: which pictures are measured, what is said about them, and what is refused."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from reverie.errors import DataError, WeightsError
from reverie.train.evaluate import EvaluateConfig, evaluate_model
from reverie.weights.checkpoint import load_model, save_model


@pytest.mark.slow
def test_evaluation_of_the_file_repeats_the_score(finished, textures, tmp_path):
    output, steps, _ = finished
    moments = list(evaluate_model(output / "model.safetensors", textures, tmp_path / "report"))
    evaluation = moments[-1].evaluation
    assert evaluation is not None
    assert len(evaluation.labels) == 12  # the held-out ones are found again by seed
    assert evaluation.top1 == pytest.approx(steps[-1].metrics["top1"], abs=1e-6)
    assert (tmp_path / "report" / "confusion.png").is_file()
    assert moments[0].message == f"reading {textures.name}"
    assert moments[-1].message == "measured on 12 pictures (held out from training) of 3 classes"


def test_a_zip_of_the_training_data_is_recognized_and_all_of_it_is_said_to_be_known(finished, textures, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "set"), "zip", textures.parent, textures.name)  # with an outer folder
    model = finished[0] / "model.safetensors"
    message = list(evaluate_model(model, Path(packed)))[-1].message
    assert message == "measured on 12 pictures (held out from training) of 3 classes"
    message = list(evaluate_model(model, Path(packed), config=EvaluateConfig(pictures="all")))[-1].message
    assert message == "measured on 120 pictures (all, also those it learned from) of 3 classes"


def test_evaluation_counts_what_it_measured_and_names_what_it_left_out(finished, make_textures, tmp_path):
    data = make_textures(tmp_path / "data", {"stripes": 6, "plain": 5}, seed=4)
    (data / "plain" / "002.png").write_bytes(b"")
    done = list(evaluate_model(finished[0] / "model.safetensors", data, tmp_path / "report"))[-1]
    assert done.message == (
        "measured on 10 pictures (all) of 2 classes of the 3 it knows; left out 1 unreadable picture: plain/002.png"
    )
    assert done.broken == ("plain/002.png",)
    assert (tmp_path / "report" / "broken.txt").read_text() == "plain/002.png\n"


def test_an_evaluation_that_fails_leaves_no_folder(finished, make_textures, tmp_path):
    data = make_textures(tmp_path / "data", {"stripes": 2, "plain": 2})
    for path in data.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 4 pictures"):
        list(evaluate_model(finished[0] / "model.safetensors", data, tmp_path / "report"))
    assert not (tmp_path / "report").exists()


@pytest.mark.slow
def test_reports_show_readable_class_names(finished, make_textures, tmp_path):
    state, about = load_model(finished[0] / "model.safetensors")
    named = ("n01443537-dots", "n02012849-plain", "n03126707-stripes")
    save_model(tmp_path / "named.safetensors", state, dataclasses.replace(about, classes=named))
    data = make_textures(tmp_path / "data", {"stripes": 4, "plain": 4}, seed=4)
    (data / "stripes").rename(data / named[1])  # every picture under a wrong name
    (data / "plain").rename(data / "Stripes")  # the readable name, in another case
    evaluation = list(evaluate_model(tmp_path / "named.safetensors", data, tmp_path / "report"))[-1].evaluation
    assert evaluation.classes == ("dots", "plain", "stripes")
    pairs = {(p.true, p.predicted) for p in evaluation.most_confused}
    assert ("plain", "stripes") in pairs and ("stripes", "plain") in pairs
    assert "n0" not in (tmp_path / "report" / "confused_pairs.csv").read_text()


def test_evaluate_refuses_unknown_classes(finished, make_textures, tmp_path):
    data = make_textures(tmp_path / "data", {"dots": 3, "stripes": 3})
    (data / "dots").rename(data / "dotz")
    with pytest.raises(DataError, match=r"dotz.*nearest: dots"):
        list(evaluate_model(finished[0] / "model.safetensors", data))


def test_evaluate_matches_classes_by_name(finished, make_textures, tmp_path):
    data = make_textures(tmp_path / "data", {"stripes": 6, "plain": 5}, seed=4)
    (data / "stripes").rename(data / "Stripes")
    evaluation = list(evaluate_model(finished[0] / "model.safetensors", data))[-1].evaluation
    assert evaluation.support.tolist() == [0, 5, 6]  # all pictures: this data is not what it learned
    assert evaluation.top1 > 0.7


def test_evaluate_refuses_other_files(tmp_path, textures):
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="not a readable safetensors"):
        list(evaluate_model(tmp_path / "x.safetensors", textures))
