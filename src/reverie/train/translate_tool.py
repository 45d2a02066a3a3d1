"""`reverie train translate` as a tool: its settings in, its steps, a network out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.train.translate_config import TranslateConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.train.translate import TranslatorTraining


class PreparedTraining:
    """The pictures and the filter, ready to be learned."""

    def __init__(self, config: TranslateConfig, session: Session) -> None:
        from reverie.train.translate import open_task

        if not config.data:
            raise InputError("there is nothing to learn from; name a folder of pictures")
        self.config, self.task = config, open_task(config)
        self.notes: list[str] = list(self.task.examples.notes)
        if not self.task.examples.held:
            self.notes.append("no picture is held out; nothing is measured at the end")

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the training; its checkpoint stands in `scratch`."""
        from reverie.jobs.output import Network
        from reverie.train.run_folder import RunFolder
        from reverie.train.translate import TranslatorTraining

        run = RunFolder(scratch or Path(f"{_name(self.config)}.run"))
        training = TranslatorTraining(self.task, run)
        count = sum(p.numel() for p in training.network.parameters())
        examples = self.task.examples
        notes = [f"{examples.count} pictures to learn from, {examples.held} held out; {count:,} parameters"]

        def outputs() -> list[Output]:
            return [Network(training.state(), training.description())]

        decisions = {"parameters": count, "pictures": examples.count, "held out": examples.held}
        return Steps(
            _reports(training, notes), outputs, plan=Plan(decisions, summary=f"{count:,} parameters"),
            chosen=Chosen(device=str(training.device)), notes=notes,
        )  # fmt: skip


def _reports(training: TranslatorTraining, notes: list[str]) -> Iterator[Report]:
    config = training.config
    for moment in training.steps():
        total = (
            config.steps
            if config.minutes is None
            else max(moment.step, round(moment.step / max(moment.progress, 1e-9)))
        )
        yield Report(moment.step, total, stage=f"loss {moment.loss:.2g}", scores=moment.metrics)
    found = training.metrics
    for where, words in (("64", "held-out pictures at 64 px"), ("whole", "held-out pictures whole")):
        if f"psnr_{where}" in found:
            notes.append(f"{words}: PSNR {found[f'psnr_{where}']:.2f} dB, SSIM {found[f'ssim_{where}']:.4f}")


def _name(config: TranslateConfig) -> str:
    return config.filter.rpartition(":")[2] if config.targets is None and not config.side_by_side else "translator"


TRAIN_TRANSLATE: Tool[TranslateConfig] = Tool(
    name="train translate", doing="training", ending="", summary="Teach a network a filter, or pairs of pictures.",
    config=TranslateConfig, prepare=PreparedTraining,
    roles=(Role("data", "folder", "A folder or zip of pictures."),),
    makes="network", suffix=".safetensors", name_of=_name,
    examples=(
        "reverie train translate PICTURES/ --filter sobel -o sobel.safetensors",
        "reverie train translate photos/ --targets drawings/ -o draw.safetensors",
    ),
)  # fmt: skip
