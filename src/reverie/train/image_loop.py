"""The loop of networks that make pictures from pictures: steps, checkpoints, an averaged copy, and the end.

What a step looks at follows from (seed, step) alone, and a checkpoint holds everything else: a run of a given number of
steps that was interrupted and resumed ends with the same bytes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from reverie.errors import GradientError
from reverie.settings import to_record
from reverie.train.average import Average
from reverie.train.divergence import diverged
from reverie.train.interrupt import deferred_interrupt
from reverie.train.keeping import checkpointed
from reverie.train.processes import Processes
from reverie.train.run_folder import RunFolder
from reverie.train.schedule import warm_cosine
from reverie.train.step import TrainStep
from reverie.train.track import Tracker
from reverie.train.validation import Validation

LOG_EVERY = 20
LARGEST_GRADIENT = 5.0  # L2 norm; ordinary steps stay below it
MEMORY = 0.98  # of the running means that are shown


class ImageLoopConfig(Protocol):
    """What the loop needs to know; both trainers' settings have it."""

    @property
    def minutes(self) -> float | None: ...
    @property
    def steps(self) -> int: ...
    @property
    def batch(self) -> int: ...
    @property
    def crop_px(self) -> int: ...
    @property
    def lr(self) -> float | None: ...
    @property
    def warmup(self) -> float: ...
    @property
    def ema(self) -> float: ...


Loss = Callable[[nn.Module, int], dict[str, Tensor]]
Write = Callable[[nn.Module, dict[str, float]], Path]


class Beside(Protocol):
    """What learns beside the network, such as a discriminator."""

    def update(self, lr: float) -> dict[str, float]:
        """Take its own step, after the network's, and return its losses; `lr` is the network's rate."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint stores."""
        ...

    def restore(self, saved: dict[str, Any]) -> None:
        """Take over the state of a checkpoint."""
        ...


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned.

    Attributes:
        loss: weighted losses of a network at a step.
        write: takes the end: the averaged network, and what was measured.
        digest: what identifies the data.
        beside: what learns beside it.
        validation: what is measured on its way.
        betas: of Adam.
        trackers: that are told the numbers as well.
        processes: that learn together; the first one writes and measures.
    """

    loss: Loss
    write: Write
    digest: str
    beside: Beside | None = None
    validation: Validation | None = None
    betas: tuple[float, float] = (0.9, 0.99)
    trackers: tuple[Tracker, ...] = ()
    processes: Processes = field(default_factory=lambda: Processes.alone())


class ImageLoop:
    """The state of one run; `steps` is the loop."""

    def __init__(
        self, net: nn.Module, lesson: Lesson, run: RunFolder, config: ImageLoopConfig, saved: dict[str, Any] | None
    ) -> None:
        self.net, self.lesson, self.run, self.config = net, lesson, run, config
        assert config.lr is not None, "what is usual has been filled in by now"
        self.lr = config.lr
        self.average = Average(net, config.ema)
        self.optimizer = torch.optim.Adam(net.parameters(), lr=self.lr, betas=lesson.betas)
        self.step, self.elapsed_s = 0, 0.0
        self.means: dict[str, float] = {}
        if saved is not None:
            with run.restoring():
                self._restore(saved)

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule and hand the averaged network over."""
        if self.is_main:
            self.run.truncate_log(self.step)
        try:
            yield from checkpointed(self._steps(), self.save)
            self.save()  # measuring takes its time too, and may be stopped
            if self.validation is not None and not self.validation.done(self.step):
                yield self._validated(self.validation)
        finally:
            for tracker in self.lesson.trackers:
                tracker.close()
        if self.validation is not None and self.validation.keep_best:
            self.run.load_best_into(self.average.net)
        metrics = {name: round(value, 5) for name, value in self.means.items()}
        metrics |= {"steps": self.step}
        if self.config.minutes is not None:  # else two runs of the same settings would differ in nothing else
            metrics |= {"elapsed_s": round(self.elapsed_s)}
        path = self.lesson.write(self.average.net, metrics)
        yield TrainStep("done", self.step, progress=1.0, metrics=metrics, output=path)

    def _steps(self) -> Iterator[TrainStep]:
        while not self._over():
            if self.validation is not None and self.validation.due(self.step):  # also after a stop just there
                yield self._validated(self.validation)
                continue
            yield self._one_step()

    @property
    def validation(self) -> Validation | None:
        """What is measured on the way."""
        return self.lesson.validation

    @property
    def is_main(self) -> bool:
        """Whether this process writes."""
        return self.lesson.processes.is_main

    def _over(self) -> bool:
        return self.progress >= 1 or (self.validation is not None and self.validation.exhausted)

    def _validated(self, validation: Validation) -> TrainStep:
        """Measure the averaged network; the time it takes belongs to the budget."""
        began = time.monotonic()
        with deferred_interrupt():
            found = validation.take(self.average.net, self.step, self.elapsed_s, self.run, self.means)
            self._add_time(time.monotonic() - began)
        epoch = len(validation.history)
        self._log("epoch", found | {"epoch": epoch})
        return TrainStep(
            "epoch", self.step, epoch, min(1.0, self.progress), self.means.get("loss", float("nan")),
            size_px=self.config.crop_px, metrics=found, message=validation.warning(),
        )  # fmt: skip

    def _add_time(self, seconds: float) -> None:
        """Count time that belongs to the budget; all processes go by the clock of the first."""
        self.elapsed_s += seconds
        if self.config.minutes is not None:
            self.elapsed_s = self.lesson.processes.from_main(self.elapsed_s)

    def _log(self, phase: str, numbers: dict[str, float]) -> None:
        if not self.is_main:
            return
        self.run.log({"step": self.step, "phase": phase, "elapsed_s": round(self.elapsed_s, 1)} | numbers)
        for tracker in self.lesson.trackers:
            tracker.log({f"{phase}/{name}": value for name, value in numbers.items()}, self.step)

    def _one_step(self) -> TrainStep:
        began = time.monotonic()
        lr = self.lr * warm_cosine(self.progress, self.config.warmup)
        with deferred_interrupt():
            loss = self._update(lr)
            self.step += 1
            seconds = time.monotonic() - began
            self._add_time(seconds)
        progress = self.progress
        moment = TrainStep(
            "train", self.step, 0, min(1.0, progress), loss, lr, self.config.crop_px,
            pictures_per_s=self.config.batch / seconds, metrics=dict(self.means),
            eta_s=self.elapsed_s * max(0.0, 1 - progress) / max(progress, 1e-9),
        )  # fmt: skip
        if self.step % LOG_EVERY == 0:
            self._log("train", self.means)
        return moment

    def _update(self, lr: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        parts = self.lesson.loss(self.net, self.step)
        total = torch.stack(list(parts.values())).sum()
        value = self.lesson.processes.mean(total)
        if not math.isfinite(value):
            raise GradientError(diverged(value, self.step, self.lr))
        weights = [p for p in self.net.parameters() if p.requires_grad]
        total.backward(inputs=weights, retain_graph=self.lesson.beside is not None)  # which may go on from it
        self.lesson.processes.average_gradients(self.net)
        self.lesson.processes.average(b for b in self.net.buffers() if b.is_floating_point())
        nn.utils.clip_grad_norm_(self.net.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.average.update(self.net)
        losses = {name: part.item() for name, part in parts.items()}
        if self.lesson.beside is not None:
            losses |= self.lesson.beside.update(lr)
        for name, found in losses.items():
            self.means[name] = MEMORY * self.means.get(name, found) + (1 - MEMORY) * found
        return value

    @property
    def progress(self) -> float:
        """Part of the schedule that is over; 1 at the end."""
        if self.config.minutes is not None:
            return self.elapsed_s / (60 * self.config.minutes)
        return self.step / self.config.steps

    def save(self) -> None:
        """Write the checkpoint."""
        if not self.is_main:
            return
        self.run.save_checkpoint(
            {
                "config": to_record(self.config), "data_digest": self.lesson.digest, "net": self.net.state_dict(),
                "average": self.average.net.state_dict(), "average_updates": self.average.updates,
                "optimizer": self.optimizer.state_dict(), "step": self.step, "elapsed_s": self.elapsed_s,
                "means": self.means,
                "beside": None if self.lesson.beside is None else self.lesson.beside.state(),
                "validation": None if self.validation is None else self.validation.state(),
            }
        )  # fmt: skip

    def _restore(self, saved: dict[str, Any]) -> None:
        self.net.load_state_dict(saved["net"])
        self.average.net.load_state_dict(saved["average"])
        self.average.updates = saved["average_updates"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.elapsed_s, self.means = int(saved["step"]), float(saved["elapsed_s"]), dict(saved["means"])
        if self.lesson.beside is not None:
            self.lesson.beside.restore(saved["beside"])
        if self.validation is not None:
            self.validation.restore(saved["validation"], self.step)
