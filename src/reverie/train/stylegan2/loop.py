"""The loop that trains a StyleGAN2: two updates a step, lazy regularization, checkpoints, snapshots, alarms.

What a step looks at follows from (seed, step), and a checkpoint holds everything else: a run that was interrupted and
resumed ends with the same bytes as one that was not. Of several processes each takes its part of the batch, gradients
are averaged, and the first one writes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.critic import Critic
from reverie.critic.precision import resolve_device, resolve_precision
from reverie.data.batches import seeded
from reverie.errors import GradientError, InputError
from reverie.models.stylegan2.file import describe, halved
from reverie.settings import to_record
from reverie.train.about import dated, portable
from reverie.train.counters import check_resumes
from reverie.train.divergence import diverged
from reverie.train.interrupt import deferred_interrupt
from reverie.train.keeping import checkpointed
from reverie.train.processes import Processes
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.train.stylegan2.against import real_share
from reverie.train.stylegan2.anchors import Anchors
from reverie.train.stylegan2.augment import ada_augment, diff_augment
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.kid import Measure
from reverie.train.stylegan2.losses import PathLength, discriminator_loss, generator_loss, gradient_penalty
from reverie.train.stylegan2.networks import W_SPEED, Networks, mixed_ws
from reverie.train.stylegan2.pictures import Drawn, Source
from reverie.train.stylegan2.snapshot import Snapshots
from reverie.weights.checkpoint import Description

R1_EVERY, PATH_EVERY, ADA_EVERY = 16, 4, 4  # steps, as published
ADA_KIMG = 100.0  # pictures in which p goes from 0 to 1; 500 in the paper, whose runs are a hundred times as long
MOST_ROLLBACKS = 3
COOLED = 0.1  # of the learning rates at the end
MOMENTUM = 0.9  # of Adam, while anchors are learned alone
MEMORY = 0.95  # of the running means that are shown


class Stylegan2Training:
    """One run: `steps` is the loop; `state` and `description` are the network that there is after any step.

    Args:
        config: settings.
        source: pictures.
        critic: frozen; helps where `against` says so.
        run: where the checkpoint and the snapshots stand; a checkpoint of the same settings is gone on with.
        measured: what KID and FID are of; the critic if absent.

    Raises:
        InputError, DataError: the checkpoint belongs to other settings or pictures.
    """

    def __init__(
        self, config: Stylegan2Config, source: Source, critic: Critic, run: RunFolder, measured: Measure | None = None
    ) -> None:
        self.config, self.source, self.run = config, source, run
        self.processes = Processes(config.device)
        self.batch = part_of_batch(config.batch, self.processes.world)
        self.device = self.processes.device or resolve_device(config.device)
        self.dtype = torch.bfloat16 if resolve_precision(config.precision, self.device) == "bf16" else torch.float32
        self.nets = Networks(config, source, critic, self.device)
        self.shape = self.nets.generator.config
        self.path_length = PathLength()
        self.anchors = Anchors(source, critic, config) if config.anchor else None
        self.p, self.sign, self.step, self.elapsed_s, self.rollbacks = 0.0, 0.0, 0, 0.0, 0
        self.finished = False
        self.means: dict[str, float] = {}
        own = config.against == "own"
        self.g_optimizer = self._adam(self.nets.generator, config.lr, PATH_EVERY if config.path_length else None)
        against_lr = config.lr_against or (config.lr if own else config.lr / 3)
        self.d_optimizer = self._adam(self.nets.against, against_lr, R1_EVERY if self.gamma else None)
        saved = run.load_checkpoint() if run.checkpoint.is_file() else None
        if saved is not None:
            check_resumes(saved, config, source.digest)
            with run.restoring():
                self._restore(saved)
        self.snapshots = Snapshots(config, source, measured or Measure.of(critic), run, self.device)

    # -- how it stands ------------------------------------------------------------------------------------------------

    @property
    def gamma(self) -> float:
        """Weight of R1: 0.0002 size**2 / batch for StyleGAN2's discriminator (Karras et al. 2020), else none."""
        if self.config.gamma is not None:
            return self.config.gamma
        return 0.0002 * self.config.side_px**2 / self.config.batch if self.config.against == "own" else 0.0

    @property
    def kimg(self) -> float:
        """Thousands of pictures seen."""
        return self.step * self.config.batch / 1000

    @property
    def progress(self) -> float:
        """How much of the budget is spent, in [0, 1]."""
        if self.config.minutes is not None:
            return min(1.0, self.elapsed_s / (60 * self.config.minutes))
        return min(1.0, self.kimg / self.config.kimg)

    def expected_kimg(self) -> float:
        """Return how far the budget will go, from the speed so far."""
        return self.kimg / max(self.progress, 1e-9)

    def state(self) -> Mapping[str, Tensor]:
        """Return the weights of the averaged generator."""
        found = self.nets.average.state_dict()
        return halved(found) if self.config.half else found

    def description(self) -> Description:
        """Return what the network's file says of itself."""
        about = describe(
            self.shape, self.source.classes, metrics={name: round(v, 5) for name, v in self.means.items()},
            data={"pictures": self.source.count, "digest": self.source.digest, "kimg": round(self.kimg, 3)},
        )  # fmt: skip
        return dated(about, self.config)

    # -- the loop -----------------------------------------------------------------------------------------------------

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the budget; the last step is "done"."""
        main = self.processes.is_main
        try:
            with self.run.claimed(alone=main):
                if main:
                    self.run.write_settings(portable(self.config))
                    self.run.truncate_log(self.step)
                yield from checkpointed(self._steps(), self.save, may=lambda: main)
                self.means |= self._snapshot()
                self.finished = True
                yield TrainStep("done", self.step, progress=1.0, metrics=dict(self.means))
        finally:
            self.processes.close()

    def _snapshot(self) -> dict[str, float]:
        """Have the first process look at the averaged network; return what all are told of it."""
        found = self.snapshots.take(self.nets.average, self.kimg) if self.processes.is_main else {}
        return self.processes.from_main(found)

    def _steps(self) -> Iterator[TrainStep]:
        while self.progress < 1:
            yield self.take_step()
            if self.processes.from_main(self.snapshots.due(self.kimg)):
                self.means |= self._snapshot()
                if self.processes.is_main:
                    self.run.log({"step": self.step, "phase": "snapshot", "kimg": self.kimg} | self.means)

    def made(self) -> tuple[Mapping[str, Tensor], Description] | None:
        """Return the averaged generator and what its file says; None in all processes but the first."""
        return (self.state(), self.description()) if self.processes.is_main else None

    def take_step(self) -> TrainStep:
        """Take one step of both networks, or go back to the last checkpoint where a loss is no number."""
        began = time.monotonic()
        with deferred_interrupt():
            losses = self._update()
            if all(math.isfinite(v) for v in losses.values()):
                self.step += 1
                self.nets.follow(self.kimg, self.config.batch, self._half_kimg())
                for name, value in losses.items():
                    self.means[name] = MEMORY * self.means.get(name, value) + (1 - MEMORY) * value
            else:
                self._roll_back(losses)
            seconds = self.processes.from_main(time.monotonic() - began)
            self.elapsed_s += seconds
        return TrainStep(
            "train", self.step, 0, self.progress, losses.get("g", losses.get("unlike", 0.0)), self.config.lr,
            self.config.side_px, pictures_per_s=self.config.batch / seconds, metrics=dict(self.means),
        )  # fmt: skip

    def _half_kimg(self) -> float:
        return self.config.ema_kimg or self.config.batch * 10 / 32

    def _roll_back(self, losses: dict[str, float]) -> None:
        """Return to the last checkpoint after a loss that is no number, with other random numbers from there on.

        Raises:
            GradientError: there is none, or it happened too often.
        """
        self.rollbacks += 1
        bad = next(v for v in losses.values() if not math.isfinite(v))
        if self.rollbacks > MOST_ROLLBACKS or not self.run.checkpoint.is_file():
            raise GradientError(diverged(bad, self.step, self.config.lr))
        rollbacks, elapsed_s = self.rollbacks, self.elapsed_s
        self._restore(self.run.load_checkpoint())
        if self.processes.is_main:
            self.run.truncate_log(self.step)
        self.rollbacks, self.elapsed_s = rollbacks, elapsed_s

    def _set_rates(self) -> None:
        """Let the learning rates fall to `COOLED` of themselves over the last part of the budget."""
        left = 1 - self.progress
        share = 1.0 if left >= self.config.cool else COOLED + (1 - COOLED) * left / self.config.cool
        for optimizer in (self.g_optimizer, self.d_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * share

    def _update(self) -> dict[str, float]:
        self._set_rates()
        own = (self.processes.rank,) if self.processes.world > 1 else ()
        random = seeded(self.config.seed, "step", self.step, self.rollbacks, *own)
        drawn = self.source.draw(self.batch, random, mirror=self.config.mirror)
        real, classes = drawn.images.to(self.device), self._classes(drawn.labels)
        alone = self.anchors is not None and self.kimg < self.config.anchor_kimg
        fake, fake_classes, losses = self._update_generator(drawn, real, classes, random, alone=alone)
        if not alone:
            losses |= self._update_against(real, classes, fake, fake_classes, random)
        if self.config.path_length and self.step % PATH_EVERY == 0:
            losses["path"] = self._update_path_length(random)
        losses = self._shared(losses)
        if self.config.augment == "ada" and self.step % ADA_EVERY == 0:
            change = np.sign(self.sign - self.config.ada_target) * self.config.batch * ADA_EVERY / (ADA_KIMG * 1000)
            self.p = float(min(max(self.p + change, 0.0), 1.0))
            losses["p"] = self.p
        return losses

    def _shared(self, losses: dict[str, float]) -> dict[str, float]:
        """Return losses, and set running means, as they are on average over processes."""
        if self.processes.world == 1:
            return losses
        center = self.nets.generator.mapping.w_avg
        running = torch.tensor([self.sign, self.path_length.mean, *losses.values()], device=center.device)
        self.processes.average([running, center])
        self.sign, self.path_length.mean, *means = running.tolist()
        return dict(zip(losses, means, strict=True))

    def _update_against(
        self, real: Tensor, classes: Tensor | None, fake: Tensor, fake_classes: Tensor | None, random: torch.Generator
    ) -> dict[str, float]:
        """Take a step on the pictures that the generator's step made: they need not be drawn again."""
        config, against = self.config, self.nets.against.requires_grad_(True)
        pairs = config.loss == "r3"
        regular = self.gamma > 0 and (pairs or self.step % R1_EVERY == 0)
        shown = self._augmented(real, random).detach().requires_grad_(regular)
        made = self._augmented(fake, random).detach().requires_grad_(regular and pairs)
        real_scores, fake_scores = against(shown, classes), against(made, fake_classes)
        loss = discriminator_loss(config.loss, real_scores, fake_scores)
        self.sign = MEMORY * self.sign + (1 - MEMORY) * real_share(real_scores)
        found = {"d": loss.item(), "sign": self.sign}
        if regular:
            penalty = gradient_penalty(real_scores, shown)
            if pairs:
                penalty = penalty + gradient_penalty(fake_scores, made)
            found["r1"] = penalty.item()
            loss = loss + penalty * (self.gamma / 2 * (1 if pairs else R1_EVERY))
        self._descend(self.d_optimizer, self.nets.against, loss)
        return found

    def _update_generator(
        self, drawn: Drawn, real: Tensor, classes: Tensor | None, random: torch.Generator, *, alone: bool
    ) -> tuple[Tensor, Tensor | None, dict[str, float]]:
        """Take a step on random latents, on anchored ones where there are anchors, or on those `alone`.

        Returns what it drew, its classes, and the losses.
        """
        config, against = self.config, self.nets.against.requires_grad_(False)
        count = 0 if self.anchors is None else self.batch if alone else self.batch // 2
        ws, fake_classes = self._some_ws(drawn, classes, count, random)
        fake = self.nets.generator.synthesis(ws, random, self.dtype)
        found, loss = {}, fake.new_zeros(())
        if self.anchors is not None:
            unlike = self.anchors.unlike(fake[:count], real[:count])
            found["unlike"] = unlike.item()
            loss = loss + self.anchors.weight(self.kimg) * unlike
        if not alone:
            scores = against(self._augmented(fake, random), fake_classes)
            others = against(self._augmented(real, random), classes) if config.loss == "r3" else ()
            fooled = generator_loss(config.loss, scores, others)
            found["g"] = fooled.item()
            loss = loss + fooled
        for (
            group
        ) in self.g_optimizer.param_groups:  # regression profits from momentum; against a discriminator it swings
            group["betas"] = (MOMENTUM if alone else 0.0, group["betas"][1])
        self._descend(self.g_optimizer, self.nets.generator, loss)
        return fake.detach(), fake_classes, found

    def _some_ws(
        self, drawn: Drawn, classes: Tensor | None, count: int, random: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Return ws and classes of the batch: the first `count` of anchors, the others of random latents."""
        generator, rest = self.nets.generator, self.batch - count
        parts, labels = [], []
        if self.anchors is not None and count:
            own = None if classes is None else classes[:count]
            z = self.anchors.latents(drawn.index[:count], drawn.mirrored[:count], random).to(self.device)
            w = generator.mapping(z, own)
            with torch.no_grad():
                generator.mapping.w_avg.lerp_(w.detach().mean(0), W_SPEED)
            parts.append(generator.spread(w))
            labels.append(own)
        if rest:
            z, own = self._latents(rest, random)
            parts.append(mixed_ws(generator, z, own, self.config.mixing, random))
            labels.append(own)
        return torch.cat(parts), None if classes is None else torch.cat(labels)

    def _update_path_length(self, random: torch.Generator) -> float:
        """Regularize on half the batch, in float32."""
        count = max(1, self.batch // 2)
        z, classes = self._latents(count, random)
        ws = mixed_ws(self.nets.generator, z, classes, 0.0, random)
        images = self.nets.generator.synthesis(ws, random)
        penalty = self.path_length(images, ws, random)
        self._descend(self.g_optimizer, self.nets.generator, penalty * (self.config.path_length * PATH_EVERY))
        return penalty.item()

    def _latents(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor | None]:
        z = torch.randn(2 * count, self.config.latent, generator=random).to(self.device)
        return z, self._classes(self.source.labels(count, random))

    def _classes(self, labels: Tensor) -> Tensor | None:
        count = len(self.source.classes)
        return F.one_hot(labels, count).float().to(self.device) if count else None

    def _augmented(self, images: Tensor, random: torch.Generator) -> Tensor:
        if self.config.augment == "diff":
            return diff_augment(images, random)
        return ada_augment(images, self.p, random) if self.config.augment == "ada" and self.p > 0 else images

    def _adam(self, net: torch.nn.Module, lr: float, every: int | None) -> torch.optim.Adam:
        """Return Adam; lazy regularization every n steps makes n + 1 steps of n (Karras et al. 2019, appendix B)."""
        share = 1.0 if every is None else every / (every + 1)
        optimizer = torch.optim.Adam(net.parameters(), lr=lr * share, betas=(0.0, 0.99**share), eps=1e-8)
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        return optimizer

    def _descend(self, optimizer: torch.optim.Optimizer, net: torch.nn.Module, loss: Tensor) -> None:
        """Take one step by gradients of all processes, unless a loss is no number."""
        if not math.isfinite(self.processes.mean(loss)):
            return
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.processes.average_gradients(net)
        optimizer.step()

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write the checkpoint; only the first process does."""
        if not self.processes.is_main:
            return
        self.run.save_checkpoint(
            {
                "config": to_record(self.config), "data_digest": self.source.digest, "nets": self.nets.state(),
                "g_optimizer": self.g_optimizer.state_dict(), "d_optimizer": self.d_optimizer.state_dict(),
                "path_mean": self.path_length.mean, "p": self.p, "sign": self.sign,
                "step": self.step, "elapsed_s": self.elapsed_s, "rollbacks": self.rollbacks, "means": self.means,
            }
        )  # fmt: skip

    def _restore(self, saved: dict[str, Any]) -> None:
        self.nets.restore(saved["nets"])
        self.g_optimizer.load_state_dict(saved["g_optimizer"])
        self.d_optimizer.load_state_dict(saved["d_optimizer"])
        self.path_length.mean, self.p, self.sign = saved["path_mean"], saved["p"], saved["sign"]
        self.step, self.elapsed_s, self.rollbacks = saved["step"], saved["elapsed_s"], saved["rollbacks"]
        self.means = dict(saved["means"])


def part_of_batch(batch: int, world: int) -> int:
    """Return how many pictures of a batch each process takes.

    Raises:
        InputError: they cannot be dealt out evenly, or a process would have fewer than 2.
    """
    if batch % world or batch // world < 2:
        raise InputError(
            f"--batch {batch} cannot be dealt out to {world} processes; give {2 * world}, {4 * world}, ..."
        )
    return batch // world
