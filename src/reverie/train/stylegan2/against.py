"""What a generator is trained against: scores of real and made pictures, high for real ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from reverie.critic.critic import Critic
from reverie.critic.precision import autocast
from reverie.models.stylegan2.discriminator import Discriminator

LAYERS = ("conv2", "mixed3b", "mixed4c", "mixed5b")  # of the embedded critic, from fine to coarse
WIDTH = 64  # channels of a head


class Head(nn.Module):
    """Scores of every place of one layer's activations: 1x1, 3x3 with stride 2, 3x3; of a class where there are."""

    def __init__(self, inputs: int, scale: float, c_dim: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = spectral_norm(nn.Conv2d(inputs, WIDTH, 1))
        self.norm1 = nn.BatchNorm2d(WIDTH, track_running_stats=False)
        self.second = spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, 2, 1, bias=False))
        self.norm2 = nn.BatchNorm2d(WIDTH, track_running_stats=False)
        self.last = spectral_norm(nn.Conv2d(WIDTH, WIDTH if c_dim else 1, 3, 1, 1))
        if c_dim:
            self.classes = nn.Linear(c_dim, WIDTH)
            self.plain = spectral_norm(nn.Conv2d(WIDTH, 1, 3, 1, 1))

    def forward(self, x: Tensor, classes: Tensor | None) -> Tensor:
        x = F.leaky_relu(self.norm1(self.first(x / self.scale)), 0.2)
        x = F.leaky_relu(self.norm2(self.second(x)), 0.2)
        out = self.last(x)
        if classes is not None:
            out = (out * self.classes(classes)[:, :, None, None]).sum(1, keepdim=True) / math.sqrt(WIDTH)
            out = out + self.plain(x)
        return out.flatten(1)


class Pixels(nn.Module):
    """Scores of small squares of the picture itself, learned from nothing.

    The first layer of a critic looks at every second pixel: a grain that it does not see would stay for ever.
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        sizes = ((channels, 24, 3, 1), (24, 48, 4, 2), (48, 64, 4, 2))
        layers: list[nn.Module] = []
        for inputs, outputs, side, stride in sizes:
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, side, stride, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(sizes[-1][1], 1, 3, 1, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).flatten(1)


class OnCritic(nn.Module):
    """Small heads on layers of a frozen critic, and one on the picture itself.

    The critic knows edges, textures and things already, so a generator learns from it in a tenth of the pictures that
    a discriminator from nothing needs.

    Source: Sauer et al. 2021, "Projected GANs Converge Faster", arXiv 2111.01007. Differs: one head a layer without
    random mixing of layers and channels; a finer layer, since pictures here are small; the head on pixels.
    """

    def __init__(self, critic: Critic, examples: Tensor, c_dim: int) -> None:
        super().__init__()
        self.critic = critic
        with torch.no_grad():
            found = self._activations(examples)
        self.heads = nn.ModuleList(Head(x.shape[1], x.float().std().item(), c_dim) for x in found)
        self.pixels = Pixels(examples.shape[1])

    def forward(self, images: Tensor, classes: Tensor | None = None) -> list[Tensor]:
        """Return scores ``[B, places]`` of each layer and of the pixels, for pictures in [-1, 1]."""
        found = self._activations(images)
        with autocast(images.device, "bf16" if self.critic.precision == "bf16" else "fp32"):
            scores = [head(x, classes).float() for head, x in zip(self.heads, found, strict=True)]
            return [*scores, self.pixels(images).float()]

    def _activations(self, images: Tensor) -> list[Tensor]:
        rgb = images[:, :3].expand(-1, 3, -1, -1) / 2 + 0.5
        return list(self.critic(rgb, LAYERS).values())


class OwnDiscriminator(nn.Module):
    """StyleGAN2's discriminator, with its one score in a list."""

    def __init__(self, net: Discriminator) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor, classes: Tensor | None = None) -> list[Tensor]:
        """Return ``[B, 1]``."""
        return [self.net(images, classes)]


def real_share(scores: Sequence[Tensor]) -> float:
    """Return the mean sign of scores of real pictures, ADA's measure of overfitting."""
    return torch.stack([s.detach().sign().mean() for s in scores]).mean().item()
