"""Teach a small network to paint in one style, scored by the very objective that the optimizer raises.

Source: Johnson, Alahi, Fei-Fei 2016, arXiv 1603.08155. Differs: the objective of `reverie style` instead of bare Gram
matrices, every picture balanced for itself; half of the pictures are stylized at less than full strength.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from reverie.critic.open import open_critic
from reverie.critic.precision import Precision, autocast, resolve_device, resolve_precision
from reverie.critic.style_layers import style_layers
from reverie.data.batches import seeded
from reverie.data.crops import CropPool
from reverie.jobs.job import Input
from reverie.jobs.weighted import split_weight
from reverie.jobs.work import Chosen
from reverie.media.image import read_picture
from reverie.models.student import StudentNet
from reverie.train.about import dated
from reverie.train.distill_config import DistillConfig, check_distill
from reverie.train.image_training import ImageTraining
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.train.student_score import StudentScore
from reverie.weights.checkpoint import Description


def open_distillation(config: DistillConfig, run: RunFolder) -> ImageTraining:
    """Return the training; a checkpoint in `run` is gone on with.

    Raises:
        DataError: the data cannot be used, or changed since the checkpoint.
        WeightsError: a damaged checkpoint, or a network that cannot be read.
        InputError: settings out of range, or other than those of the run being resumed.
    """
    check_distill(config)
    device = resolve_device(config.device)
    precision = resolve_precision(config.precision, device)
    critic = open_critic(config.model, config.weights, device=str(device), precision=precision)
    styles = [split_weight(text) for text in config.style]
    pictures, weights = [read_picture(path) for path, _ in styles], [weight for _, weight in styles]
    seen = [torch.from_numpy(p.rgb).permute(2, 0, 1)[None].contiguous() for p in pictures]
    layers = style_layers(critic, config.style_layer, config.content_layer)
    lesson = _Lesson(config, StudentScore(critic, layers, seen, weights, config), device, precision)
    listed = [{"name": p.name, "sha256": p.sha256, "weight": w} for p, w in zip(pictures, weights, strict=True)]
    pool = lesson.pool
    about = {"styles": listed, "pictures": pool.count, "digest": pool.digest, "critic": critic.identity.sha256}
    with private_random(device, config.seed):
        net = StudentNet(config.width, config.blocks)
        net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    digest = "/".join(f"{p.sha256}:{w:g}" for p, w in zip(pictures, weights, strict=True))
    summary = f"{pool.count} pictures; {sum(p.numel() for p in net.parameters()) / 1e6:.2f} M parameters"
    chosen = Chosen(Input(critic.identity.name, critic.identity.sha256), str(device), config={"precision": precision})
    return ImageTraining(
        net, lesson.losses, f"{pool.digest}/{digest}", run, config, partial(_description, config, about),
        summary=summary, chosen=chosen, notes=lambda: pool.notes,
    )  # fmt: skip


class _Lesson:
    """Batches of contents, and what is wrong with a network's pictures of them."""

    def __init__(self, config: DistillConfig, score: StudentScore, device: torch.device, precision: Precision) -> None:
        self.config, self.score, self.device = config, score, device
        self.precision: Precision = precision
        self.pool = CropPool([Path(config.data)])

    def losses(self, net: nn.Module, step: int) -> dict[str, Tensor]:
        """Return the weighted losses of one step; half of its pictures are stylized at less than full strength."""
        config, generator = self.config, seeded(self.config.seed, "batch", step)
        content = self.pool.crops(config.batch, config.crop_px, generator).to(self.device)
        dial = torch.rand(config.batch, 1, generator=generator)
        dial = torch.where(torch.rand(config.batch, 1, generator=generator) < 0.5, 1.0, dial).to(self.device)
        with autocast(self.device, self.precision):
            stylized = net(content, dial)
        return self.score.losses(stylized.float(), content, dial)


def _description(
    config: DistillConfig, about: dict[str, object], net: nn.Module, metrics: dict[str, float]
) -> Description:
    """Return what the file of a student says of itself."""
    assert isinstance(net, StudentNet)
    found = Description(
        architecture="student", classes=(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), input_px=config.crop_px,
        kind="student", options=net.options, metrics=metrics, data=about,
    )  # fmt: skip
    return dated(found, config)
