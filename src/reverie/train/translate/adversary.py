"""The discriminator that learns beside a pix2pix generator: it sees what was given together with what became of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batches import seeded
from reverie.models.pix2pix import PatchDiscriminator
from reverie.train.processes import Processes
from reverie.train.stylegan2.augment import diff_augment
from reverie.train.stylegan2.losses import discriminator_loss, generator_loss
from reverie.train.translate.config import TranslateConfig

DIFFERENCE = 100.0  # weight of the difference to the target, that those of the discriminator are relative to
BETAS = (0.5, 0.999)


class Adversary:
    """A discriminator with its optimizer.

    Args:
        inputs: channels that the generator is given.
        outputs: channels that it makes.
        config: the settings.
        lr: peak learning rate.
        device: where it computes.
        processes: that learn together.
    """

    def __init__(
        self, inputs: int, outputs: int, config: TranslateConfig, lr: float, device: torch.device,
        processes: Processes,
    ) -> None:  # fmt: skip
        self.config, self.outputs, self.processes = config, outputs, processes
        self.net = PatchDiscriminator(inputs + outputs, config.width or 32, config.scales)
        self.net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for layer in self.net.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.02)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=lr, betas=BETAS)
        self._seen: tuple[list[Tensor], list[Tensor]] | None = None

    def losses(self, given: Tensor, made: Tensor, wanted: Tensor, step: int) -> dict[str, Tensor]:
        """Return the generator's losses, weighted; what was seen is kept for `update`."""
        config = self.config
        random = seeded(config.seed, "augment", step, *self.processes.parts)
        both = torch.cat([torch.cat([given, wanted], 1), torch.cat([given, made], 1)]) * 2 - 1
        if config.diff_augment:  # a pair is varied the same way, real and made ones separately
            both = diff_augment(both, random, self.outputs)
        real, fake = (x.contiguous(memory_format=torch.channels_last) for x in both.chunk(2))
        real_scores, real_features = self.net(real.detach())
        scores, features = self.net(fake)
        self._seen = (real_scores, scores)  # looked at once, for both steps
        found = {"gan": generator_loss(config.gan_loss, scores) * (config.gan / DIFFERENCE)}
        if config.feature_matching:
            pairs = zip(features, real_features, strict=True)
            match = torch.stack([F.l1_loss(a, b.detach()) for a, b in pairs]).mean()
            found["features"] = match * (config.feature_matching / DIFFERENCE)
        return found

    def update(self, lr: float) -> dict[str, float]:
        """Take a step on the pictures that the generator's step made; none where it did not look."""
        if self._seen is None:
            return {}
        scores, self._seen = self._seen, None
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        loss = discriminator_loss(self.config.gan_loss, *scores)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=list(self.net.parameters()))  # not those of the generator, which has taken its step
        self.processes.average_gradients(self.net)
        self.optimizer.step()
        return {"discriminator": loss.item()}

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint stores."""
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take over the state of a checkpoint."""
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
