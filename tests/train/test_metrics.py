"""Scores against closed forms and naive loops."""

from __future__ import annotations

import csv
import json
import math
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.data.pack import PackedPictures
from reverie.errors import DataError
from reverie.train.metrics import calibration_bins, evaluate_logits, expected_calibration_error, quick_scores
from reverie.train.report import draw_confusion, mistake_captions, write_report

NAMES = ("a", "b", "c")
#                 true a: 2 right, 1 called b      true b: 1 right, 2 called c     true c: 1 right
LABELS = torch.tensor([0, 0, 0, 1, 1, 1, 2])
SAID = torch.tensor([0, 0, 1, 1, 2, 2, 2])


def logits_for(said: torch.Tensor, classes: int, confidence: float = 0.9) -> torch.Tensor:
    """Logits whose softmax gives `confidence` to the class in `said` and shares the rest equally."""
    rest = (1 - confidence) / (classes - 1)
    chosen = torch.full((len(said), classes), rest)
    chosen[torch.arange(len(said)), said] = confidence
    return chosen.log()


@pytest.fixture
def evaluation():
    return evaluate_logits(logits_for(SAID, 3), LABELS, NAMES)


def test_confusion_counts_pairs(evaluation):
    assert evaluation.confusion.tolist() == [[2, 1, 0], [0, 1, 2], [0, 0, 1]]
    assert evaluation.support.tolist() == [3, 3, 1]


def test_precision_recall_and_f1_in_closed_form(evaluation):
    assert evaluation.precision.tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert evaluation.recall.tolist() == pytest.approx([2 / 3, 1 / 3, 1])
    assert evaluation.f1.tolist() == pytest.approx([4 / 5, 2 / 5, 1 / 2])
    assert evaluation.macro_f1 == pytest.approx((4 / 5 + 2 / 5 + 1 / 2) / 3)


def test_summary_names_four_numbers(evaluation):
    assert evaluation.summary() == {
        "top1": pytest.approx(4 / 7), "top5": 1.0, "macro_f1": pytest.approx(17 / 30),
        "ece": pytest.approx(0.9 - 4 / 7, abs=1e-6),
    }  # fmt: skip


def test_confused_pairs_come_most_frequent_first(evaluation):
    assert [tuple(pair) for pair in evaluation.most_confused] == [("b", "c", 2, 2 / 3), ("a", "b", 1, 1 / 3)]


def test_a_class_without_pictures_counts_nowhere():
    evaluation = evaluate_logits(logits_for(torch.tensor([0, 1]), 3), torch.tensor([0, 1]), NAMES)
    assert (evaluation.recall[2], evaluation.precision[2], evaluation.f1[2]) == (0, 0, 0)
    assert evaluation.macro_f1 == 1


def test_top5_equals_a_naive_ranking():
    torch.manual_seed(0)
    logits, labels = torch.randn(50, 12), torch.randint(0, 12, (50,))
    ranked = [row.argsort(descending=True)[:5].tolist() for row in logits]
    naive = sum(int(label) in five for five, label in zip(ranked, labels, strict=True))
    assert evaluate_logits(logits, labels, tuple("abcdefghijkl")).top5 == pytest.approx(naive / 50)
    assert quick_scores(logits, labels)["top5"] == pytest.approx(naive / 50)


def test_calibration_error_of_two_bins_by_hand():
    confidence = torch.tensor([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    right = torch.tensor([True, True, True, False, True, True])
    bins = calibration_bins(confidence, right)
    assert expected_calibration_error(bins) == pytest.approx(4 / 6 * abs(0.75 - 0.9) + 2 / 6 * abs(1 - 0.6))
    assert [b.pictures for b in bins if b.pictures] == [2, 4]


def test_calibration_bins_are_open_below_and_closed_above():
    edges = torch.tensor([0.2, 0.2 + 1e-6, 1.0, 1e-9], dtype=torch.float64)
    counts = [b.pictures for b in calibration_bins(edges, torch.ones(4, dtype=torch.bool), bins=5)]
    assert counts == [2, 1, 0, 0, 1]


def test_calibration_equals_a_naive_loop():
    torch.manual_seed(1)
    confidence, right = torch.rand(200, dtype=torch.float64), torch.rand(200) < 0.5
    error = 0.0
    for m in range(15):
        inside = [i for i in range(200) if m / 15 < confidence[i] <= (m + 1) / 15]
        if inside:
            accuracy = np.mean([bool(right[i]) for i in inside])
            error += len(inside) / 200 * abs(accuracy - np.mean([float(confidence[i]) for i in inside]))
    assert expected_calibration_error(calibration_bins(confidence, right)) == pytest.approx(error, abs=1e-12)


def test_cross_entropy_of_equal_logits_is_log_of_classes():
    assert quick_scores(torch.zeros(4, 8), torch.arange(4))["val_loss"] == pytest.approx(math.log(8))


def test_worst_mistakes_are_the_surest(evaluation):
    sure = logits_for(SAID, 3, 0.7)
    sure[4] = logits_for(SAID[4:5], 3, 0.97)[0]
    evaluation = evaluate_logits(sure, LABELS, NAMES)
    assert evaluation.worst_mistakes(2).tolist() == [4, 2]
    assert mistake_captions(evaluation, torch.tensor([4])) == ["b →\nc 97 %"]


def test_nothing_to_evaluate_is_said():
    with pytest.raises(DataError, match="nothing to evaluate"):
        evaluate_logits(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), NAMES)
    with pytest.raises(DataError, match="do not fit"):
        evaluate_logits(torch.zeros(2, 4), torch.zeros(2, dtype=torch.long), NAMES)


def test_report_tables_hold_the_numbers(evaluation, tmp_path):
    pixels = torch.randint(0, 255, (7, 3, 8, 8), dtype=torch.uint8)
    write_report(evaluation, tmp_path, PackedPictures(pixels, LABELS, tuple("abcdefg"), 8))
    with (tmp_path / "confusion.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [["a", "2", "1", "0"], ["b", "0", "1", "2"], ["c", "0", "0", "1"]]
    with (tmp_path / "per_class.csv").open(newline="") as file:
        assert list(csv.reader(file))[1] == ["a", "1.0000", "0.6667", "0.8000", "3"]
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert record["most_confused"][0] == {"true": "b", "predicted": "c", "pictures": 2, "share": 0.6667}
    for name in ("confusion.png", "calibration.png", "mistakes.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 100
    assert not list(tmp_path.glob(".*"))


def test_a_report_without_mistakes_is_whole(tmp_path):
    evaluation = evaluate_logits(logits_for(LABELS, 3), LABELS, NAMES)
    pixels = torch.zeros(7, 3, 8, 8, dtype=torch.uint8)
    write_report(evaluation, tmp_path, PackedPictures(pixels, LABELS, tuple("abcdefg"), 8))
    assert (tmp_path / "mistakes.png").is_file()
    assert (tmp_path / "confused_pairs.csv").read_text() == "true,predicted,pictures,share\n"


@pytest.mark.parametrize(("classes", "named"), [(60, 60), (200, 20)])
def test_many_classes_are_named_sparsely(classes, named):
    labels = torch.arange(classes)
    names = tuple(f"class ${i}" for i in range(classes))
    figure = draw_confusion(evaluate_logits(torch.eye(classes), labels, names))
    assert len(figure.axes[0].get_xticklabels()) == named


def test_drawing_does_not_start_pyplot(evaluation):
    before = "matplotlib.pyplot" in sys.modules
    draw_confusion(evaluation)
    assert ("matplotlib.pyplot" in sys.modules) == before
