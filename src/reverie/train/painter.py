"""The loop of networks that make pictures from pictures: steps, checkpoints, an averaged copy, and the end.

What a step looks at follows from (seed, step) alone, and a checkpoint holds everything else: a run of a given number of
steps that was interrupted and resumed ends with the same bytes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from reverie.errors import GradientError
from reverie.settings import to_record
from reverie.train.average import Average
from reverie.train.divergence import diverged
from reverie.train.interrupt import deferred_interrupt
from reverie.train.run_folder import RunFolder
from reverie.train.schedule import warm_cosine
from reverie.train.step import TrainStep

CHECKPOINT_EVERY_S = 60.0
LOG_EVERY = 20
LARGEST_GRADIENT = 5.0  # L2 norm; ordinary steps stay below it
MEMORY = 0.98  # of the running means that are shown


class PainterConfig(Protocol):
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
    def lr(self) -> float: ...
    @property
    def warmup(self) -> float: ...
    @property
    def ema(self) -> float: ...


Loss = Callable[[nn.Module, int], dict[str, Tensor]]
Write = Callable[[nn.Module, dict[str, float]], Path]


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned: weighted losses of a network at a step, what takes the end, and what identifies the data."""

    loss: Loss
    write: Write
    digest: str


class Painter:
    """The state of one run; `steps` is the loop."""

    def __init__(
        self, net: nn.Module, lesson: Lesson, run: RunFolder, config: PainterConfig, saved: dict[str, Any] | None
    ) -> None:
        self.net, self.lesson, self.run, self.config = net, lesson, run, config
        self.average = Average(net, config.ema)
        self.optimizer = torch.optim.Adam(net.parameters(), lr=config.lr, betas=(0.9, 0.99))
        self.step, self.elapsed_s = 0, 0.0
        self.means: dict[str, float] = {}
        if saved is not None:
            with run.restoring():
                self._restore(saved)

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule and hand the averaged network over."""
        self.run.truncate_log(self.step)
        saved_at = time.monotonic()
        try:
            while self._progress() < 1:
                yield self._one_step()
                if time.monotonic() - saved_at > CHECKPOINT_EVERY_S:
                    self.save()
                    saved_at = time.monotonic()
        except (GeneratorExit, KeyboardInterrupt, SystemExit):
            with deferred_interrupt():
                self.save()
            raise
        metrics = {name: round(value, 5) for name, value in self.means.items()}
        metrics |= {"steps": self.step}
        if self.config.minutes is not None:  # else two runs of the same settings would differ in nothing else
            metrics |= {"elapsed_s": round(self.elapsed_s)}
        path = self.lesson.write(self.average.net, metrics)
        yield TrainStep("done", self.step, progress=1.0, metrics=metrics, output=path)

    def _one_step(self) -> TrainStep:
        began = time.monotonic()
        lr = self.config.lr * warm_cosine(self._progress(), self.config.warmup)
        with deferred_interrupt():
            loss = self._update(lr)
            self.step += 1
            seconds = time.monotonic() - began
            self.elapsed_s += seconds
        progress = self._progress()
        moment = TrainStep(
            "train", self.step, 0, min(1.0, progress), loss, lr, self.config.crop_px,
            pictures_per_s=self.config.batch / seconds, metrics=dict(self.means),
            eta_s=self.elapsed_s * max(0.0, 1 - progress) / max(progress, 1e-9),
        )  # fmt: skip
        if self.step % LOG_EVERY == 0:
            self.run.log({"step": self.step, "phase": "train", "elapsed_s": round(self.elapsed_s, 1)} | self.means)
        return moment

    def _update(self, lr: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        parts = self.lesson.loss(self.net, self.step)
        total = torch.stack(list(parts.values())).sum()
        value = total.item()
        if not math.isfinite(value):
            raise GradientError(diverged(value, self.step, self.config.lr))
        total.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.average.update(self.net)
        for name, part in parts.items():
            self.means[name] = MEMORY * self.means.get(name, part.item()) + (1 - MEMORY) * part.item()
        return value

    def _progress(self) -> float:
        if self.config.minutes is not None:
            return self.elapsed_s / (60 * self.config.minutes)
        return self.step / self.config.steps

    def save(self) -> None:
        """Write the checkpoint."""
        self.run.save_checkpoint(
            {
                "config": to_record(self.config), "data_digest": self.lesson.digest, "net": self.net.state_dict(),
                "average": self.average.net.state_dict(), "average_updates": self.average.updates,
                "optimizer": self.optimizer.state_dict(), "step": self.step, "elapsed_s": self.elapsed_s,
                "means": self.means,
            }
        )  # fmt: skip

    def _restore(self, saved: dict[str, Any]) -> None:
        self.net.load_state_dict(saved["net"])
        self.average.net.load_state_dict(saved["average"])
        self.average.updates = saved["average_updates"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.elapsed_s, self.means = int(saved["step"]), float(saved["elapsed_s"]), dict(saved["means"])
