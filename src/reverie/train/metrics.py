"""What a classifier's logits are worth: accuracy, per-class scores, confusion and calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import DataError

CALIBRATION_BINS = 15  # Guo et al. 2017, section 2


class Confused(NamedTuple):
    """`pictures` of class `true` were called `predicted`, which is this share of the class, in [0, 1]."""

    true: str
    predicted: str
    pictures: int
    share: float


class CalibrationBin(NamedTuple):
    """The predictions whose confidence lies in (low, high]; means are NaN where there are no `pictures`."""

    low: float
    high: float
    pictures: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Evaluation:
    """Measured quality of a classifier on N labelled pictures.

    Attributes:
        classes: C names.
        labels: ``[N]`` int64.
        probabilities: ``[N, C]`` float32, rows sum to 1.
        predictions: ``[N]`` int64, the most probable class.
        confusion: ``[C, C]`` int64; row = true class, column = predicted class.
        precision: ``[C]``, share of the predictions of a class that are right; 0 where it was never predicted.
        recall: ``[C]``, share of a class that was found; 0 where the class has no pictures.
        f1: ``[C]``, harmonic mean of both.
        support: ``[C]`` int64, pictures per class.
        top1: accuracy in [0, 1].
        top5: share of pictures whose class is among the five most probable ones (all classes where C < 5).
        ece: expected calibration error in [0, 1].
        calibration: the bins that `ece` was summed over.
        most_confused: pairs of classes, the most frequent first.
    """

    classes: tuple[str, ...]
    labels: Tensor
    probabilities: Tensor
    predictions: Tensor
    confusion: Tensor
    precision: Tensor
    recall: Tensor
    f1: Tensor
    support: Tensor
    top1: float
    top5: float
    ece: float
    calibration: tuple[CalibrationBin, ...]
    most_confused: tuple[Confused, ...]

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that have pictures."""
        return self.f1[self.support > 0].mean().item()

    def summary(self) -> dict[str, float]:
        """Return the four numbers that a description carries."""
        return {"top1": self.top1, "top5": self.top5, "macro_f1": self.macro_f1, "ece": self.ece}

    def worst_mistakes(self, count: int) -> Tensor:
        """Return the indices of up to `count` wrong predictions, the most confident first."""
        wrong = (self.predictions != self.labels).nonzero().flatten()
        confidence = self.probabilities.max(1).values[wrong]
        return wrong[confidence.argsort(descending=True, stable=True)][:count]


def evaluate_logits(logits: Tensor, labels: Tensor, classes: tuple[str, ...]) -> Evaluation:
    """Return all scores of `logits` ``[N, C]`` against `labels` ``[N]``.

    Raises:
        DataError: no pictures, or shapes that do not belong together.
    """
    if len(logits) == 0:
        raise DataError("nothing to evaluate: no pictures with labels")
    if logits.shape != (len(labels), len(classes)):
        raise DataError(f"logits {tuple(logits.shape)} do not fit {len(labels)} labels and {len(classes)} classes")
    labels = labels.cpu().long()
    probabilities = logits.detach().cpu().float().softmax(1)
    predictions = probabilities.argmax(1)
    confusion = confusion_matrix(labels, predictions, len(classes))
    precision, recall, f1 = class_scores(confusion)
    right = predictions == labels
    bins = calibration_bins(probabilities.max(1).values, right)
    top = probabilities.topk(min(5, len(classes)), dim=1).indices
    return Evaluation(
        classes, labels, probabilities, predictions, confusion, precision, recall, f1, confusion.sum(1),
        top1=right.double().mean().item(),
        top5=(top == labels[:, None]).any(1).double().mean().item(),
        ece=expected_calibration_error(bins),
        calibration=bins,
        most_confused=confused_pairs(confusion, classes),
    )  # fmt: skip


def quick_scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Return top-1, top-5 and cross entropy, the scores of every epoch."""
    ranks = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]
    return {
        "top1": ranks[:, 0].float().mean().item(),
        "top5": ranks.any(1).float().mean().item(),
        "val_loss": F.cross_entropy(logits, labels).item(),
    }


def confusion_matrix(labels: Tensor, predictions: Tensor, classes: int) -> Tensor:
    """Return counts ``[C, C]`` int64; row = true class, column = predicted class."""
    return torch.bincount(labels * classes + predictions, minlength=classes * classes).view(classes, classes)


def class_scores(confusion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return precision, recall and F1 per class, ``[C]`` each; 0 / 0 counts as 0."""
    hits = confusion.diagonal().double()
    predicted, support = confusion.sum(0), confusion.sum(1)
    return hits / predicted.clamp_min(1), hits / support.clamp_min(1), 2 * hits / (predicted + support).clamp_min(1)


def calibration_bins(confidence: Tensor, right: Tensor, bins: int = CALIBRATION_BINS) -> tuple[CalibrationBin, ...]:
    """Group predictions into `bins` equally wide intervals of confidence, ``((m - 1) / M, m / M]``.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, equation 3.
    """
    confidence = confidence.double()
    index = (confidence * bins).ceil().long().sub(1).clamp(0, bins - 1)
    count = torch.bincount(index, minlength=bins)
    mean_confidence = torch.bincount(index, confidence, bins) / count
    accuracy = torch.bincount(index, right.double(), bins) / count
    rows = zip(count.tolist(), mean_confidence.tolist(), accuracy.tolist(), strict=True)
    return tuple(CalibrationBin(m / bins, (m + 1) / bins, *row) for m, row in enumerate(rows))


def expected_calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """Return the mean distance between confidence and accuracy, weighted by the bins' pictures.

    Source: Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599, equation 5.
    """
    total = sum(b.pictures for b in bins)
    return sum(b.pictures * abs(b.accuracy - b.confidence) for b in bins if b.pictures) / total


def confused_pairs(confusion: Tensor, classes: tuple[str, ...]) -> tuple[Confused, ...]:
    """Return all pairs (true, predicted) that occur off the diagonal, the most frequent first."""
    wrong = confusion - torch.diag(confusion.diagonal())
    support = confusion.sum(1)
    order = wrong.flatten().argsort(descending=True, stable=True)[: int((wrong > 0).sum())]
    pairs = [divmod(i, len(classes)) for i in order.tolist()]
    return tuple(
        Confused(classes[t], classes[p], int(wrong[t, p]), int(wrong[t, p]) / int(support[t])) for t, p in pairs
    )
