"""`reverie train evaluate` as a tool: how well a classifier knows labelled pictures, or a translator its task."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.output import Folder, Output
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Prepared, Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.settings import flag_of
from reverie.train.evaluate_config import TRANSLATORS, EvaluateConfig

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
    """A classifier's file whose description was read."""

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


def prepared(config: EvaluateConfig, session: Session) -> Prepared:
    """Return the evaluation that suits the kind of network.

    Raises:
        InputError: settings of another kind of network.
    """
    from reverie.models.translator_file import SHIPPED, is_translator
    from reverie.train.translate.evaluate_config import TranslatorEvaluateConfig
    from reverie.train.translate.evaluate_tool import PreparedReport

    if config.model in SHIPPED or is_translator(Path(config.model)):
        known = {field.name: getattr(config, field.name) for field in fields(TranslatorEvaluateConfig)}
        return PreparedReport(TranslatorEvaluateConfig(**known), session)
    given = [field for field in fields(config) if getattr(config, field.name) != field.default]
    odd = [flag_of(field) for field in given if field.metadata["group"] == TRANSLATORS]
    if odd:
        raise InputError(f"{odd[0]} is for translators; '{Path(config.model).name}' is another kind of network")
    return PreparedEvaluation(config, session)


TRAIN_EVALUATE: Tool[EvaluateConfig] = Tool(
    name="train evaluate", doing="evaluating", ending="evaluation",
    summary="Measure a trained classifier or translator on pictures; -o names a folder for tables and pictures.",
    config=EvaluateConfig, prepare=prepared,
    roles=(
        Role("model", "network", "A .safetensors file trained here, or the folder of a training."),
        Role("data", "folder", "Folder of class folders with pictures, or a zip of one; for translators pictures."),
    ),
    makes="folder", suffix="", name_of=lambda config: Path(config.data).stem, prints=True,
    examples=(
        "reverie train evaluate runs/mine my-pictures/ -o report/",
        "reverie train evaluate maps.safetensors photos/ --targets maps/ -o report/",
    ),
)  # fmt: skip
