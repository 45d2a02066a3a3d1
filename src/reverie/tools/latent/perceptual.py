"""How different pictures look: unit activations of a few layers of the embedded critic, and the picture itself, small.

Source: Zhang et al. 2018, LPIPS, arXiv 1801.03924. Differs: our own critic, and all channels weigh alike.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.critic import Critic

LAYERS = ("conv2", "mixed3a", "mixed4a", "mixed5a")
LEAST_PX, MOST_PX = 64, 128  # sides at which the critic looks
AT_ONCE = 32


def look(critic: Critic, images: Tensor, pixels: float = 1.0) -> Tensor:
    """Return features ``[B, D]`` whose squared distance is how different pictures ``[B, C, H, W]`` in [0, 1] look.

    Gradients pass. `pixels` weighs a copy of 32 px beside the layers.
    """
    rgb = images[:, :3].expand(-1, 3, -1, -1)
    side = min(max(min(rgb.shape[2:]), LEAST_PX), MOST_PX)
    sized = rgb if min(rgb.shape[2:]) == side else _resized(rgb, side)
    parts = []
    for x in critic(sized, LAYERS).values():
        unit = F.normalize(x.float(), dim=1)
        parts.append(unit.flatten(1) / (unit.shape[2] * unit.shape[3] * len(LAYERS)) ** 0.5)
    if pixels:
        small = _resized(rgb, 32)
        parts.append(small.flatten(1) * (pixels / (small[0, 0].numel() * 3)) ** 0.5)
    return torch.cat(parts, 1)


@torch.no_grad()
def look_at_many(critic: Critic, images: Tensor, pixels: float = 1.0) -> Tensor:
    """Return `look` of any number of pictures, without gradients."""
    return torch.cat([look(critic, images[i : i + AT_ONCE], pixels) for i in range(0, len(images), AT_ONCE)])


def _resized(images: Tensor, side: int) -> Tensor:
    scale = side / min(images.shape[2:])
    size = [max(1, round(n * scale)) for n in images.shape[2:]]
    return F.interpolate(images, size, mode="bilinear", antialias=scale < 1, align_corners=False)
