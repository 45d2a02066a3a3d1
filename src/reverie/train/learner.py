"""One step of learning: attack, loss, gradient, descent, average. Everything random in it follows from (seed, step)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from reverie.critic.run import remove_hooks
from reverie.data.batches import Batch, seed_of, seeded
from reverie.train.average import Average
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.loss import ClassifierLoss
from reverie.train.optimizer import build_sgd
from reverie.train.processes import Processes
from reverie.train.randomness import private_random
from reverie.train.robust import attack_l2
from reverie.train.start import Start
from reverie.train.teacher import Teacher

LARGEST_GRADIENT = 5.0  # L2 norm of the whole gradient; ordinary steps stay below it


class Learner:
    """A network with its optimizer and its average, and with a teacher where it has one."""

    def __init__(
        self, start: Start, teacher: Teacher | None, config: ClassifierConfig, device: torch.device,
        processes: Processes,
    ) -> None:  # fmt: skip
        self.config, self.device, self.processes = config, device, processes
        self.net: nn.Module = start.net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.frozen = start.frozen
        self.average = Average(self.net, config.ema)
        remove_hooks(self.average.net)  # the teacher listens to the one that learns
        self.teacher = teacher
        self.learned = nn.ModuleList([self.net] if teacher is None else [self.net, teacher])
        self.optimizer = build_sgd(self.learned, config.lr, config.weight_decay)
        self._wrapped: nn.Module | None = None

    @property
    def wrapped(self) -> nn.Module:
        """The network whose backward pass averages gradients over processes; made once the weights are final."""
        if self._wrapped is None:
            self._wrapped = self.processes.wrap(self.net)
        return self._wrapped

    def train_mode(self) -> None:
        """Let BatchNorm and dropout learn, except in frozen layers."""
        self.wrapped.train()
        for module in self.frozen:
            module.eval()

    def update(self, batch: Batch, loss: ClassifierLoss, lr: float, step: int) -> float:
        """Descend once and return the loss, averaged over processes.

        If the loss is not a finite number, no weight is changed.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        images = batch.images.to(self.device, memory_format=torch.channels_last)
        labels = batch.labels.to(self.device)
        self.optimizer.zero_grad(set_to_none=True)
        with private_random(self.device, seed_of(self.config.seed, "dropout", step, self.processes.rank)):
            if self.config.robust > 0:
                images = self._attacked(images, labels, loss, step)
            value = loss(self.wrapped, images, labels)
            if self.teacher is not None:
                value = value + self.teacher(images)
            value.backward()
        mean = self.processes.mean(value.detach())
        if not math.isfinite(mean):
            return mean
        nn.utils.clip_grad_norm_(self.learned.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.average.update(self.net)
        return mean

    def _attacked(self, images: Tensor, labels: Tensor, loss: ClassifierLoss, step: int) -> Tensor:
        """Attack through the bare network: the wrapped one would wait for gradients of its weights."""
        generator = seeded(self.config.seed, "attack", step, self.processes.rank)
        radius = self.config.robust * images.shape[-1] / self.config.input_px  # the same change per pixel
        return attack_l2(
            lambda x, y: loss(self.net, x, y), images, labels, self.net, radius, self.config.robust_steps, generator
        )

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint stores."""
        taught = {} if self.teacher is None else {"teacher": self.teacher.state_dict()}
        return taught | {
            "net": self.net.state_dict(), "average": self.average.net.state_dict(),
            "average_updates": self.average.updates, "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip

    def restore(self, saved: dict[str, Any]) -> None:
        """Take over the state of a checkpoint."""
        self.net.load_state_dict(saved["net"])
        self.average.net.load_state_dict(saved["average"])
        self.average.updates = saved["average_updates"]
        if self.teacher is not None:
            self.teacher.load_state_dict(saved["teacher"])
        self.optimizer.load_state_dict(saved["optimizer"])
