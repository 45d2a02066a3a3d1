"""How different pictures look: unit activations of a few layers of the embedded critic, and the picture itself, small.

Source: Zhang et al. 2018, LPIPS, arXiv 1801.03924. Differs: our own critic, and all channels weigh the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reverie.critic.critic import IMAGE, Critic
from reverie.objective.base import Custom, Objective

LAYERS = ("conv2", "mixed3a", "mixed4a", "mixed5a")
LEAST_PX, MOST_PX = 64, 128  # sides at which the critic looks
SMALL_PX = 32  # side of the copy whose pixels are compared
AT_ONCE = 32


@dataclass(frozen=True)
class Sized:
    """Looks at pictures at a size that the critic is good at."""

    resamples: bool = True

    def shift(self, generator: Generator) -> tuple[int, int]:
        """Return no shift."""
        return 0, 0

    def look(self, images: Tensor, generator: Generator) -> Tensor:
        """Return the pictures with a short side of 64 to 128 px."""
        return sized(images)


def sized(images: Tensor) -> Tensor:
    """Return pictures with a short side of 64 to 128 px."""
    short = min(images.shape[2:])
    return images if LEAST_PX <= short <= MOST_PX else resized(images, min(max(short, LEAST_PX), MOST_PX))


def resized(images: Tensor, side: int) -> Tensor:
    """Return pictures with this short side, without aliasing."""
    scale = side / min(images.shape[2:])
    size = [max(1, round(n * scale)) for n in images.shape[2:]]
    return F.interpolate(images, size, mode="bilinear", antialias=scale < 1, align_corners=False)


def features(found: Mapping[str, Tensor], pixels: float) -> Tensor:
    """Return ``[B, D]`` of activations by layer, with `IMAGE` among them.

    |f - g|^2 = mean over layers and places of |unit f - unit g|^2, plus `pixels`^2 times the mean squared
    difference of copies of 32 px.
    """
    parts = []
    for name in LAYERS:
        unit = F.normalize(found[name].float(), dim=1)
        parts.append(unit.flatten(1) / (unit.shape[2] * unit.shape[3] * len(LAYERS)) ** 0.5)
    if pixels:
        small = resized(found[IMAGE].float(), SMALL_PX)
        parts.append(small.flatten(1) * pixels / small[0].numel() ** 0.5)
    return torch.cat(parts, 1)


@torch.no_grad()
def look_at_many(critic: Critic, images: Tensor, pixels: float = 1.0) -> Tensor:
    """Return `features` of any number of pictures ``[B, C, H, W]`` in [0, 1]."""
    rgb = images[:, :3].expand(-1, 3, -1, -1)
    parts = [sized(rgb[i : i + AT_ONCE]) for i in range(0, len(rgb), AT_ONCE)]
    return torch.cat([features(critic(part, (*LAYERS, IMAGE)), pixels) for part in parts])


def resemblance(critic: Critic, target: Tensor, pixels: float = 1.0) -> Objective:
    """Return the score of looking like a picture ``[1, 3, H, W]`` in [0, 1]: minus the squared distance of features."""
    wanted = look_at_many(critic, target, pixels)

    def score(found: Mapping[str, Tensor]) -> Tensor:
        return -(features(found, pixels) - wanted).square().sum(1)

    return Custom((*LAYERS, IMAGE), score)
