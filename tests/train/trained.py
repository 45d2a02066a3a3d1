"""Trainings step by step, with the network written at the end: what tests of trainers drive.

A work of the job layer does the same around `steps`; a checkpoint in the folder is gone on with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from reverie.settings import check_settings
from reverie.train.adaptive import open_adaptive
from reverie.train.adaptive_config import AdaptiveConfig
from reverie.train.classifier import ClassifierConfig, ClassifierTraining, TrainStep
from reverie.train.distill import open_distillation
from reverie.train.distill_config import DistillConfig
from reverie.train.keeping import Training
from reverie.train.run_folder import RunFolder
from reverie.weights.checkpoint import save_model


def written(training: Training, path: Path) -> Iterator[TrainStep]:
    """Pass the steps on and write the network at the end; the last step says where."""
    for step in training.steps():
        found = training.made() if step.phase == "done" else None
        if found is not None:
            save_model(path, dict(found[0]), found[1])
            training.run.finish()
            step = replace(step, output=path)
        yield step


def train_classifier(
    data: Path, output: Path, config: ClassifierConfig, *, report: bool = False
) -> Iterator[TrainStep]:
    """Train on a folder; a report, whose plots take longer than the training, is written where it is asked for."""
    training = ClassifierTraining(replace(config, data=str(data)), RunFolder(output))
    for step in written(training, training.run.network):
        if step.output is not None and report:
            training.write_report(output)
        yield step


def train_adaptive(
    contents: Sequence[Path], styles: Sequence[Path], output: Path, config: AdaptiveConfig
) -> Iterator[TrainStep]:
    config = replace(config, contents=tuple(map(str, contents)), styles=tuple(map(str, styles)))
    check_settings(config)
    run = RunFolder(output)
    yield from written(open_adaptive(config, run), run.network)


def distill(
    styles: Sequence[tuple[Path, float]], data: Path, output: Path, config: DistillConfig
) -> Iterator[TrainStep]:
    check_settings(config)
    texts = tuple(str(path) if weight == 1 else f"{path}:{weight:g}" for path, weight in styles)
    run = RunFolder(output.with_suffix(".run"), kept=False)
    yield from written(open_distillation(replace(config, style=texts, data=str(data)), run), output)
