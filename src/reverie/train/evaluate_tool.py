"""`reverie train evaluate` as a tool: how well a classifier knows labelled pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.output import Folder, Output
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.train.evaluate_config import EvaluateConfig

if TYPE_CHECKING:
    from reverie.jobs.job import Json
    from reverie.train.evaluate import EvaluateStep

TOLD = 5  # pairs of classes that are confused most


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """An evaluation, written as a folder of tables and pictures."""

    step: EvaluateStep
    label: str = ""
    suffixes: tuple[str, ...] = ()

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Fill the folder."""
        from reverie.train.evaluate import fill_report

        return Folder(lambda folder: fill_report(self.step, folder)).write(path, record, quality)

    def printed(self, *, as_json: bool) -> str:
        """Return the scores, and the classes that are confused most."""
        evaluation = self.step.evaluation
        assert evaluation is not None
        summary = {name: round(value, 4) for name, value in evaluation.summary().items()}
        if as_json:
            return json.dumps(summary | {"pictures": len(evaluation.labels)})
        lines = ["  ".join(f"{name} {value:.4f}" for name, value in summary.items())]
        for true, predicted, count, share in evaluation.most_confused[:TOLD]:
            lines.append(f"  {count:4d} x {true} taken for {predicted} ({share:.0%} of its pictures)")
        return "\n".join(lines)


class PreparedEvaluation:
    """A network file whose description was read."""

    def __init__(self, config: EvaluateConfig, session: Session) -> None:
        from reverie.critic.precision import resolve_device
        from reverie.weights.checkpoint import file_sha256, load_description
        from reverie.weights.embedded import network_or_file

        self.config = config
        self.path = network_or_file(config.model)
        load_description(self.path)
        self.chosen = Chosen(Input(Path(config.model).name, file_sha256(self.path)), str(resolve_device(config.device)))
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the evaluation."""
        from reverie.train.evaluate import evaluate_model

        found: list[EvaluateStep] = []
        notes: list[str] = []

        def reports() -> Iterator[Report]:
            for step in evaluate_model(self.path, Path(self.config.data), None, self.config):
                notes.extend([step.message] if step.message else [])
                found.extend([step] if step.evaluation is not None else [])
                half = 0.5 * step.progress + 0.5 * (step.phase != "load")
                yield Report(round(100 * half), 100, "percent", step.phase)

        def outputs() -> list[Output]:
            return [EvaluationReport(step) for step in found]

        return Steps(reports(), outputs, plan=Plan({"data": self.config.data}), chosen=self.chosen, notes=notes)


TRAIN_EVALUATE: Tool[EvaluateConfig] = Tool(
    name="train evaluate", doing="evaluating", ending="evaluation",
    summary="Measure a trained classifier on labelled pictures; -o names a folder for tables and pictures.",
    config=EvaluateConfig, prepare=PreparedEvaluation,
    roles=(
        Role("model", "network", "A .safetensors file trained here, or the folder of a training."),
        Role("data", "folder", "Folder of class folders with pictures, or a zip of one."),
    ),
    makes="folder", suffix="", name_of=lambda config: Path(config.data).stem, prints=True,
    examples=("reverie train evaluate runs/mine my-pictures/ -o report/",),
)  # fmt: skip
