"""`reverie train translate` as a tool: its settings in, its steps, a network out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan
from reverie.train.translate.config import STYLE, TranslateConfig, check_config, upgraded
from reverie.train.work import begun, place_of, steps_or_time, training_work

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.train.translate.training import TranslatorTraining


class PreparedTraining:
    """The pictures and the filter, ready to be learned."""

    def __init__(self, config: TranslateConfig, session: Session) -> None:
        from reverie.train.translate.task import open_task

        if not config.data:
            raise InputError("there is nothing to learn from; name a folder of pictures")
        check_config(config)
        self.config, self.task = config, open_task(config)
        self.notes: list[str] = [*self.task.examples.notes, *self.task.notes]
        if not self.task.examples.held:
            self.notes.append("no picture is held out; nothing is measured")

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the training; its checkpoint stands in `scratch`."""
        from reverie.train.run_folder import RunFolder
        from reverie.train.translate.training import TranslatorTraining

        run = RunFolder(scratch or Path(f"{_name(self.config)}.run"), kept=False)
        training = TranslatorTraining(self.task, run)
        count = sum(p.numel() for p in training.network.parameters())
        examples = self.task.examples
        notes = [f"{examples.count} pictures to learn from, {examples.held} held out; {count:,} parameters"]
        if training.loop.step:
            notes.append(f"going on after step {training.loop.step}, which an earlier run made")
        decisions = {"parameters": count, "pictures": examples.count, "held out": examples.held}
        return training_work(
            training, total=lambda step: steps_or_time(self.config, step),
            plan=Plan(decisions, summary=f"{count:,} parameters"), notes=notes,
            chosen=Chosen(device=str(training.device), config=_decided(training)),
            more=lambda: _more(training, _name(self.config)), preview=lambda: training.sheet,
            say=lambda step: (*examples.notes, *(_found(training) if step.phase == "done" else ())),
        )  # fmt: skip


def _decided(training: TranslatorTraining) -> dict[str, float | str | None]:
    """Return what was left to the work."""
    task, shape = training.task, training.task.shape
    depth = shape.depth or len(shape.dilations)
    return {
        "width": shape.width, "depth": depth, "loss": task.loss, "lr": task.lr, "keep": task.keep,
        "validate_every": task.every, "ssim": training.config.ssim,
        "perceptual": training.config.perceptual, "gan_after": training.config.gan_after,
    }  # fmt: skip


def _more(training: TranslatorTraining, name: str) -> list[Output]:
    """Return what stands beside the network."""
    from reverie.jobs.output import Page, Picture
    from reverie.train.about import portable
    from reverie.train.curves import curves_page, curves_picture

    found: list[Output] = []
    rows = training.validation.history
    if rows and training.measure.held:
        title = f"{name}: on {len(training.measure.held)} held-out pictures"
        found.append(Picture(curves_picture(rows, title), label="curves"))
        found.append(Page(curves_page(rows, title, portable(training.config)), label="curves"))
    if training.sheet is not None:
        found.append(Picture(training.sheet, label="samples"))
    return found


def _found(training: TranslatorTraining) -> list[str]:
    """Return what was measured at the end, in words."""
    found, notes = training.metrics, []
    if training.validation.exhausted:
        notes.append(f"ended early, after {training.config.patience} measurements without a better one")
    for where, words in (("64", "held-out pictures at 64 px"), ("whole", "held-out pictures whole")):
        if f"psnr_{where}" in found:
            similar = found.get(f"ssim_decided_{where}", found[f"ssim_{where}"])
            text = f"{words}: PSNR {found[f'psnr_{where}']:.2f} dB, SSIM {similar:.4f}"
            right = found.get(f"accuracy_{where}")
            notes.append(text if right is None else f"{text}, {right:.1%} of the pixels of the right class")
    if "best_step" in found:
        notes.append(f"the weights are those of step {found['best_step']:.0f}, the best by {training.task.keep}")
    if training.config.track == "tensorboard":
        notes.append(f"curves: tensorboard --logdir {shlex.quote(str(training.run.path))}")
    return notes


def _name(config: TranslateConfig) -> str:
    if config.targets is not None or config.side_by_side:
        return "translator"
    if config.filter.startswith(STYLE):
        return Path(config.filter.removeprefix(STYLE)).stem
    return config.filter.rpartition(":")[2]


TRAIN_TRANSLATE: Tool[TranslateConfig] = Tool(
    name="train translate", doing="training", ending="", summary="Teach a network a filter, or pairs of pictures.",
    config=TranslateConfig, prepare=PreparedTraining, check=check_config, upgrade=upgraded,
    roles=(Role("data", "folder", "A folder or zip of pictures."),),
    makes="network", suffix=".safetensors", name_of=_name, scratch=place_of,
    begun=begun, recipes=True,
    examples=(
        "reverie train translate PICTURES/ --filter sobel -o sobel.safetensors",
        "reverie train translate photos/ --targets drawings/ --architecture pix2pix -o draw.safetensors",
    ),
)  # fmt: skip
