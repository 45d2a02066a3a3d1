"""One run that teaches a translator: crops are drawn, and the difference to the target is the loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.precision import resolve_device
from reverie.data.ahead import Ahead
from reverie.data.batches import seed_of, seeded
from reverie.data.examples import Pair
from reverie.models.translator import Translator, build_translator
from reverie.models.translator_file import KIND
from reverie.numerics.similarity import structural_similarity
from reverie.train.about import dated, portable
from reverie.train.counters import check_resumes
from reverie.train.image_loop import ImageLoop, Lesson
from reverie.train.processes import Processes
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.train.track import check_tracker, open_trackers
from reverie.train.translate.adversary import BETAS, DIFFERENCE, Adversary
from reverie.train.translate.measure import EpochMeasure, measured, sample_sheet
from reverie.train.translate.perceptual import Perceptual
from reverie.train.translate.task import Task
from reverie.train.validation import Validation
from reverie.weights.checkpoint import Description

USUAL_BETAS = (0.9, 0.99)
FAINT = 1e-4  # added to a class's part before its logarithm, so that no pixel outweighs all others


def entropy(made: Tensor, wanted: Tensor) -> Tensor:
    """Return ``-mean log p`` of the right class's part p, over the pixels that belong to one, for planes of classes."""
    right = (made * wanted).sum(1)
    known = wanted.sum(1)
    return -((right + FAINT).log() * known).sum() / known.sum().clamp(min=1)


DIFFERENCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": F.l1_loss, "mse": F.mse_loss, "entropy": entropy,
}  # fmt: skip


class TranslatorTraining:
    """One run: `steps` is the loop; `network` is what there is after any step.

    Args:
        task: from `open_task`.
        run: where the checkpoint stands; a checkpoint of the same settings and pictures is gone on with.

    Raises:
        InputError: the checkpoint was made with other settings.
        DataError: or with other pictures.
    """

    def __init__(self, task: Task, run: RunFolder) -> None:
        config = task.settled
        self.task, self.config = task, config
        self.processes = Processes(config.device)
        self.device = self.processes.device or resolve_device(config.device)
        self.batch = self.processes.share(config.batch)
        check_tracker(config.track)
        saved = run.load_checkpoint() if run.checkpoint.is_file() else None
        if saved is not None:
            check_resumes(saved, self.config, task.examples.digest)
        self.run, self.finished = run, False
        with private_random(self.device, self.config.seed):
            net = build_translator(task.shape)
            shape = task.shape
            self.adversary = (
                Adversary(shape.inputs, shape.outputs, config, task.lr, self.device, self.processes)
                if task.has_discriminator
                else None
            )
        self.perceptual = Perceptual(self.device) if self.task.is_pix2pix and self.config.perceptual else None
        net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.metrics: dict[str, float] = {}
        self.measure = EpochMeasure(task.examples, shape)
        last = task.keep == "last"
        self.validation = Validation(
            self._measured, task.every, "psnr" if last else task.keep,
            keep_best=not last and self.processes.is_main, patience=config.patience,
        )  # fmt: skip
        self.sheet: np.ndarray | None = None
        self.ahead: Ahead[Pair] = Ahead(self._draw, 1)
        step = 0 if saved is None else saved["step"]
        self._first_step = step
        betas = BETAS if self.adversary is not None else USUAL_BETAS
        lesson = Lesson(self._loss, self._finish, task.examples.digest, self.adversary, self.validation, betas,
                        processes=self.processes)  # fmt: skip
        self.loop = ImageLoop(net, lesson, run, config, saved)

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule; the last step carries what was measured."""
        self.loop.net.train()
        with self.run.claimed(alone=self.processes.is_main):
            if self.processes.is_main:
                self.run.write_settings(portable(self.config))
                self._track()
            try:
                for step in self.loop.steps():
                    yield dataclasses.replace(step, output=None, metrics=self.metrics or step.metrics)
            finally:
                self.ahead.close()
                self.processes.close()

    def _track(self) -> None:
        """Open what is told the numbers as well, now that the folder is there."""
        config, loop = self.config, self.loop
        if config.track:
            trackers = open_trackers(config.track, self.run.path, portable(config), self._first_step)
            loop.lesson = dataclasses.replace(loop.lesson, trackers=trackers)
        self.run.kept |= config.track == "tensorboard"  # which reads what lies there

    @property
    def network(self) -> Translator:
        """The averaged network."""
        return self.loop.average.net  # type: ignore[return-value]

    def _draw(self, step: int) -> Pair:
        config = self.config
        return self.task.examples.draw(
            self.batch, config.crop_px, seeded(config.seed, "batch", step, *self.processes.parts), self.task.drawing
        )

    def _loss(self, net: nn.Module, step: int) -> dict[str, Tensor]:
        crops, targets = self.ahead.at(step)
        given, wanted = crops.to(self.device, memory_format=torch.channels_last), targets.to(self.device)
        with private_random(self.device, seed_of(self.config.seed, "dropout", step, *self.processes.parts)):
            made = net(given)
        found = {self.task.loss: DIFFERENCES[self.task.loss](made, wanted)}
        if self.task.ssim and self.task.is_pix2pix:
            lacking = 1 - structural_similarity(made, wanted).mean()
            found["ssim"] = lacking * (self.task.ssim / DIFFERENCE)
        if self.perceptual is not None:
            found["perceptual"] = self.perceptual(made, wanted) * ((self.config.perceptual or 0) / DIFFERENCE)
        if self.adversary is not None and self.loop.progress >= self.task.gan_after:
            found |= self.adversary.losses(given, made, wanted, step)
        return found

    def _measured(self, net: nn.Module) -> dict[str, float]:
        """Return the scores that the first process finds; the others wait for them."""
        found: dict[str, float] = {}
        if self.processes.is_main:
            self.sheet = sample_sheet(net, self.measure.held, self.task.shape)
            found = self.measure(net)
        return self.processes.from_main(found)

    def _finish(self, net: nn.Module, metrics: dict[str, float]) -> Path:
        self.finished = True
        if not self.processes.is_main:
            return self.run.network
        self.metrics = metrics | measured(net, self.task.examples, self.task.shape.wanted_kind)
        self.sheet = sample_sheet(net, self.measure.held, self.task.shape)
        best = self.validation.best
        if self.validation.keep_best and best is not None:
            self.metrics["best_step"] = best["step"]
        return self.run.network  # written by whoever runs the job

    def description(self) -> Description:
        """Return what the network's file says of itself."""
        task, config = self.task, self.config
        metrics = {name: round(value, 5) for name, value in self.metrics.items()}
        about = Description(
            architecture=config.architecture, classes=(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0),
            input_px=config.crop_px, kind=KIND, options=dict(task.shape.record()), metrics=metrics,
            data=task.about | {"held_out": task.examples.held, "digest": task.examples.digest},
        )  # fmt: skip
        return dated(about, config)

    def state(self) -> Mapping[str, Tensor]:
        """Return the weights of the averaged network."""
        return self.network.state_dict()

    def made(self) -> tuple[Mapping[str, Tensor], Description] | None:
        """Return the averaged network and what its file says; None in all processes but the first."""
        return (self.state(), self.description()) if self.processes.is_main else None
