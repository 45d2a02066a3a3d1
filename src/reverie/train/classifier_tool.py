"""`reverie train classifier` as a tool: its settings in, its epochs, a network out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.work import begun, is_home, place_of, training_work
from reverie.weights.in_folder import NETWORK

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.train.step import TrainStep


class PreparedClassifier:
    """Settings that were checked; the pictures are read when the work begins."""

    def __init__(self, config: ClassifierConfig, session: Session) -> None:
        from reverie.critic.precision import resolve_device, resolve_precision

        self.config = config
        self.device = resolve_device(config.device)
        self.precision = resolve_precision(config.precision, self.device)
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the training; checkpoint, records and report stand in `scratch`."""
        from reverie.jobs.output import Folder
        from reverie.train.classifier import ClassifierTraining
        from reverie.train.run_folder import RunFolder

        place = scratch or Path("runs") / name_of(self.config)
        kept = is_home(place)
        training = ClassifierTraining(self.config, RunFolder(place, kept=kept))

        def report() -> list[Output]:
            trained = training.trainer
            if kept or trained is None or trained.evaluation is None:
                return []
            return [Folder(training.write_report, label="report")]

        def done() -> list[str]:
            if not kept:
                return []
            training.write_report(place)
            return [f"report in '{place}'; dream with: reverie dream PICTURE --model '{place}'"]

        def total(step: TrainStep) -> int | None:
            return round(step.step / step.progress) if step.progress and step.step else None

        return training_work(
            training, total=total, plan=Plan({"data": self.config.data}, summary=self.config.architecture),
            chosen=Chosen(device=str(self.device), config={"precision": self.precision}), more=report, done=done,
            say=told_of,
        )  # fmt: skip


def told_of(step: TrainStep) -> list[str]:
    """Return the lines that a step of a classifier is worth: epochs, and what was measured at the end."""
    shown = "  ".join(f"{name} {value:.3f}" for name, value in step.metrics.items())
    if step.phase == "epoch":
        speed = f"{step.pictures_per_s:.0f} pictures/s, waited for data {step.wait_share:.1%}"
        return [f"epoch {step.epoch}  loss {step.loss:.3f}  {shown}  {speed}"]
    return [f"held-out pictures: {shown}"] if step.phase == "done" and shown else []


def name_of(config: ClassifierConfig) -> str:
    """Return the name of a run where none is given."""
    return Path(config.data).stem


TRAIN_CLASSIFIER: Tool[ClassifierConfig] = Tool(
    name="train classifier", doing="training", ending="",
    summary="Train a classifier on your own pictures; the result dreams with `reverie dream --model`.",
    config=ClassifierConfig, prepare=PreparedClassifier,
    roles=(Role("data", "folder", "Folder of class folders with pictures, or a zip of one."),),
    makes="network", suffix=".safetensors", name_of=name_of, home=NETWORK, scratch=place_of, begun=begun,
    recipes=True,
    examples=(
        "reverie train classifier my-pictures/ --minutes 20 -o runs/mine",
        "reverie train classifier flowers.zip --init embedded --input-px 96 --minutes 3",
    ),
)  # fmt: skip
