"""A training as the work of a job: the same progress, notes, checkpoint and network for all trainers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.jobs.output import Network, Output
from reverie.jobs.steps import Steps
from reverie.jobs.work import Chosen, Plan, Preview, Report
from reverie.weights.in_folder import NETWORK

if TYPE_CHECKING:
    import numpy as np

    from reverie.train.image_training import ImageTraining
    from reverie.train.keeping import Training
    from reverie.train.run_folder import RunFolder
    from reverie.train.step import TrainStep

NOT_DRAWN = ("progress", "lr", "size_px", "pictures_per_s", "wait_share", "elapsed_s")  # of a log
SHOWN = 3  # scores beside the bar


def place_of(target: Path) -> Path:
    """Return where a training keeps checkpoint and records: the folder that its result has to itself, or NAME.run."""
    if target.name == NETWORK:
        return target.parent
    older = target.with_name(f"{target.name}.frames")
    return older if older.is_dir() else target.with_suffix(".run")


def is_home(place: Path) -> bool:
    """Tell whether a place of `place_of` stays when the training is finished."""
    return place.suffix not in (".run", ".frames")


def begun(place: Path, cls: type) -> Mapping[str, object] | None:
    """Return the settings that an unfinished training was begun with; None where there is none.

    Raises:
        WeightsError: its checkpoint is damaged.
    """
    from reverie.train.run_folder import RunFolder

    run = RunFolder(place)
    if not run.checkpoint.is_file():
        return None
    known = {field.name for field in fields(cls)}
    return {name: value for name, value in run.load_checkpoint()["config"].items() if name in known}


def training_work(
    training: Training, *, total: Callable[[TrainStep], int | None], chosen: Chosen, plan: Plan,
    notes: Sequence[str] = (), more: Callable[[], Sequence[Output]] = tuple, done: Callable[[], Sequence[str]] = tuple,
    say: Callable[[TrainStep], Sequence[str]] = lambda _: (), preview: Preview | None = None,
) -> Steps:  # fmt: skip
    """Return a training as a work.

    Args:
        training: what runs.
        total: how many steps there will be, after a step.
        chosen: device and settings as they were resolved.
        plan: what is decided before.
        notes: lines for the beginning.
        more: further results, beside the network.
        done: called once the network of a finished training is written; gives lines for the end.
        say: lines that a step is worth.
        preview: what there is to look at on the way; the learning curves if absent.
    """
    told, kept = list(notes), []

    def written() -> None:
        if training.finished:
            told.extend(done())
            kept.append(True)

    def closed() -> None:
        if kept:
            training.run.finish()

    def outputs() -> list[Output]:
        found = training.made()
        return [] if found is None else [Network(*found, written=written), *more()]

    def reports() -> Iterator[Report]:
        for step in training.steps():
            told.extend(line for line in (step.message, *say(step)) if line and line not in told)
            yield _report(step, total(step), preview or (lambda: curves_of(training.run)))

    return Steps(reports(), outputs, plan=plan, chosen=chosen, notes=told, closed=closed)


def image_work(training: ImageTraining) -> Steps:
    """Return a training by the shared loop as a work."""
    return training_work(
        training, total=lambda step: steps_or_time(training.config, step),
        plan=Plan({"network": training.summary}, summary=training.summary), chosen=training.chosen,
        notes=training.notes(), say=lambda _: training.notes(),
    )  # fmt: skip


def steps_or_time(config: Any, step: TrainStep) -> int:
    """Return how many steps a training takes in all: as set, or as its time budget suggests so far."""
    if config.minutes is None:
        return config.steps
    return max(step.step, round(step.step / max(step.progress, 1e-9)))


def curves_of(run: RunFolder) -> np.ndarray | None:
    """Return the learning curves of a run by its log: of its epochs where it has some; None where there is nothing."""
    from reverie.train.curves import curves_picture

    records = run.records()
    epochs = [record for record in records if record.get("phase") == "epoch"]
    rows = [_row(record) for record in epochs or records]
    return curves_picture(rows) if rows else None


def _row(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a record that are drawn; the loss of a validation shares a panel with the training's."""
    found = {name: value for name, value in record.items() if type(value) in (int, float) and name not in NOT_DRAWN}
    if "val_loss" in found:
        found["loss_training"] = found.pop("loss", float("nan"))
        found["loss"] = found.pop("val_loss")
    return found


def _report(step: TrainStep, total: int | None, preview: Preview | None) -> Report:
    if step.phase == "load":
        stage = "reading pictures" + (f" {step.progress:.0%}" if 0 < step.progress < 1 else "")
        return Report(step.step, total, stage=stage)
    parts = [f"epoch {step.epoch}"] if step.epoch else []
    parts += [f"{step.size_px} px"] if step.size_px else []
    parts += [f"{step.pictures_per_s:.0f} pictures/s"] if step.pictures_per_s else []
    scores = {"loss": step.loss} if math.isfinite(step.loss) else {}
    scores |= dict(list(step.metrics.items())[:SHOWN])
    return Report(step.step, total, stage="  ".join(parts), scores=scores, preview=preview)
