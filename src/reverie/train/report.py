"""Write an evaluation down: tables as CSV, numbers as JSON, and three pictures.

Matplotlib is imported when a picture is drawn; figures are made without pyplot, so that nothing global changes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from reverie.data.pack import Pictures
from reverie.train.metrics import Evaluation
from reverie.weights.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELLED_CLASSES = 60  # more names than this cannot be read beside a matrix of 12 inches
MISTAKES = 48
MISTAKE_COLUMNS = 8
NAME_LETTERS = 22


def write_report(evaluation: Evaluation, folder: Path, pictures: Pictures) -> None:
    """Write ``evaluation.json``, three CSV tables and three PNG pictures into `folder`.

    `pictures` are the ones that were evaluated, in the same order; the worst mistakes are shown.

    Raises:
        OutputError: the folder cannot be written to.
    """
    _write_tables(evaluation, folder)
    _write_json(evaluation, folder / "evaluation.json")
    _write_figure(draw_confusion(evaluation), folder / "confusion.png")
    _write_figure(draw_calibration(evaluation), folder / "calibration.png")
    _write_figure(draw_mistakes(evaluation, pictures), folder / "mistakes.png")


def _write_tables(evaluation: Evaluation, folder: Path) -> None:
    e = evaluation
    columns = (e.precision.tolist(), e.recall.tolist(), e.f1.tolist())
    scores = ([name, *(f"{v:.4f}" for v in values)] for name, *values in zip(e.classes, *columns, strict=True))
    rows = ([*row, n] for row, n in zip(scores, e.support.tolist(), strict=True))
    _write_csv(folder / "per_class.csv", ("class", "precision", "recall", "f1", "support"), rows)
    counts = ([name, *row] for name, row in zip(e.classes, e.confusion.tolist(), strict=True))
    _write_csv(folder / "confusion.csv", ("true \\ predicted", *e.classes), counts)
    pairs = ((p.true, p.predicted, p.pictures, f"{p.share:.4f}") for p in e.most_confused)
    _write_csv(folder / "confused_pairs.csv", ("true", "predicted", "pictures", "share"), pairs)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def _write_json(evaluation: Evaluation, path: Path) -> None:
    record = {
        **{name: round(value, 5) for name, value in evaluation.summary().items()},
        "pictures": len(evaluation.labels),
        "classes": len(evaluation.classes),
        "most_confused": [pair._asdict() | {"share": round(pair.share, 4)} for pair in evaluation.most_confused[:20]],
        "calibration": [
            {n: None if v != v else round(v, 5) for n, v in b._asdict().items()} for b in evaluation.calibration
        ],
    }
    write_bytes(path, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())


def _write_figure(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    write_bytes(path, buffer.getvalue())


def _new_figure(width_in: float, height_in: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_confusion(evaluation: Evaluation) -> Figure:
    """Draw the confusion matrix, each row as shares of its true class."""
    count = len(evaluation.classes)
    side = min(14.0, 3.5 + 0.2 * count) if count <= LABELLED_CLASSES else 12.0
    figure = _new_figure(side + 1, side)
    axes = figure.add_subplot()
    share = evaluation.confusion.double() / evaluation.support.clamp_min(1)[:, None]
    image = axes.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    title = f"top-1 {evaluation.top1:.1%} of {len(evaluation.labels)} pictures"
    axes.set(xlabel="predicted", ylabel="true", title=title)
    _name_classes(axes, evaluation.classes)
    if count <= 12:
        _number_cells(axes, evaluation.confusion, share)
    return figure


def _name_classes(axes: Axes, classes: tuple[str, ...]) -> None:
    """Name all classes where the names can be read, else about every twentieth."""
    every = 1 if len(classes) <= LABELLED_CLASSES else -(-len(classes) // 20)
    ticks = range(0, len(classes), every)
    names = [_plain(classes[i]) for i in ticks]
    size = 9 if len(classes) <= 30 else 7
    axes.set_xticks(ticks, names, rotation=90, fontsize=size)
    axes.set_yticks(ticks, names, fontsize=size)


def _number_cells(axes: Axes, confusion: Tensor, share: Tensor) -> None:
    for (row, column), value in np.ndenumerate(confusion.numpy()):
        if value:
            color = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(value), ha="center", va="center", color=color, fontsize=9)


def draw_calibration(evaluation: Evaluation) -> Figure:
    """Draw the reliability diagram: accuracy over confidence, and how often each confidence occurs.

    Source: Guo et al. 2017, arXiv 1706.04599, figure 1.
    """
    figure = _new_figure(6, 7)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = [b for b in evaluation.calibration if b.pictures]
    left, width = [b.low for b in bins], evaluation.calibration[0].high
    accuracy = [b.accuracy for b in bins]
    upper.bar(left, accuracy, width, align="edge", color="#4c72b0", edgecolor="white", label="accuracy")
    upper.plot([b.confidence for b in bins], accuracy, "o", color="#c44e52", label="at the bin's mean confidence")
    upper.plot([0, 1], [0, 1], "--", color="grey", label="perfectly calibrated")
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy", title=f"expected calibration error {evaluation.ece:.1%}")
    upper.legend(loc="upper left")
    lower.bar(left, [b.pictures / len(evaluation.labels) for b in bins], width, align="edge", color="#8c8c8c")
    lower.set(xlabel="confidence", ylabel="share of pictures")
    return figure


def draw_mistakes(evaluation: Evaluation, pictures: Pictures, count: int = MISTAKES) -> Figure:
    """Draw the wrong predictions that the network was surest of, captioned ``true → predicted 97 %``.

    Not a `contact_sheet` of `media`: class names need two lines and a font with arrows and more alphabets than Latin.
    """
    worst = evaluation.worst_mistakes(count)
    rows = max(1, -(-len(worst) // MISTAKE_COLUMNS))
    figure = _new_figure(MISTAKE_COLUMNS * 1.9, rows * 2.2 + 0.5)
    figure.suptitle("Worst mistakes: true → predicted, confidence" if len(worst) else "No mistakes")
    tiles = pictures.fetch(worst) if len(worst) else torch.empty(0, 3, 1, 1, dtype=torch.uint8)
    grid = figure.subplots(rows, MISTAKE_COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, tile, caption in zip(grid.flat, tiles, mistake_captions(evaluation, worst), strict=False):
        axes.imshow(tile.permute(1, 2, 0).numpy())
        axes.set_title(caption, fontsize=8)
    return figure


def mistake_captions(evaluation: Evaluation, indices: Tensor) -> list[str]:
    """Return ``true → predicted 97 %`` for each picture of `indices`."""
    captions = []
    for index in indices.tolist():
        true, said = int(evaluation.labels[index]), int(evaluation.predictions[index])
        percent = evaluation.probabilities[index, said].item() * 100
        captions.append(f"{_plain(evaluation.classes[true])} →\n{_plain(evaluation.classes[said])} {percent:.0f} %")
    return captions


def _plain(name: str) -> str:
    """Shorten a name; a dollar sign would start a formula."""
    short = name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 1] + "…"
    return short.replace("$", r"\$")
