"""`reverie train translate` as a tool: its settings in, its steps, a network out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan
from reverie.train.translate_config import TranslateConfig
from reverie.train.work import begun, place_of, steps_or_time, training_work

if TYPE_CHECKING:
    from reverie.train.step import TrainStep


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
        from reverie.train.run_folder import RunFolder
        from reverie.train.translate import TranslatorTraining

        run = RunFolder(scratch or Path(f"{_name(self.config)}.run"), kept=False)
        training = TranslatorTraining(self.task, run)
        count = sum(p.numel() for p in training.translator.parameters())
        examples = self.task.examples
        decisions = {"parameters": count, "pictures": examples.count, "held out": examples.held}
        return training_work(
            training, total=lambda step: steps_or_time(self.config, step),
            plan=Plan(decisions, summary=f"{count:,} parameters"), chosen=Chosen(device=str(training.device)),
            notes=[f"{examples.count} pictures to learn from, {examples.held} held out; {count:,} parameters"],
            say=measured_lines,
        )  # fmt: skip


def measured_lines(step: TrainStep) -> list[str]:
    """Return what was measured at the end, in lines."""
    found, notes = step.metrics if step.phase == "done" else {}, []
    for where, words in (("64", "held-out pictures at 64 px"), ("whole", "held-out pictures whole")):
        if f"psnr_{where}" in found:
            notes.append(f"{words}: PSNR {found[f'psnr_{where}']:.2f} dB, SSIM {found[f'ssim_{where}']:.4f}")
    return notes


def settings_begun(place: Path) -> Mapping[str, object] | None:
    """Return the settings of an unfinished run."""
    return begun(place, TranslateConfig)


def _name(config: TranslateConfig) -> str:
    return config.filter.rpartition(":")[2] if config.targets is None and not config.side_by_side else "translator"


TRAIN_TRANSLATE: Tool[TranslateConfig] = Tool(
    name="train translate", doing="training", ending="", summary="Teach a network a filter, or pairs of pictures.",
    config=TranslateConfig, prepare=PreparedTraining,
    roles=(Role("data", "folder", "A folder or zip of pictures."),),
    makes="network", suffix=".safetensors", name_of=_name, scratch=place_of, begun=settings_begun, recipes=True,
    examples=(
        "reverie train translate PICTURES/ --filter sobel -o sobel.safetensors",
        "reverie train translate photos/ --targets drawings/ -o draw.safetensors",
    ),
)  # fmt: skip
