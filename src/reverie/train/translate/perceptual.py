"""How far made pictures are from true ones for a frozen network: its features in their places, and over the picture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.open import open_critic
from reverie.weights.embedded import EMBEDDED

LAYERS = ("conv1", "conv2", "mixed3a")  # strides 1, 2, 4
LEAST_PX = 32  # side from which all of them see something
PART = 4  # of a batch, one in so many is compared: the pictures are others at every step, and it costs as much as they
FAINT = 1e-6


class Perceptual:
    """The distance of two sets of pictures by the embedded network, whose weights stay as they are.

    Args:
        device: where it computes.
    """

    def __init__(self, device: torch.device) -> None:
        self.critic = open_critic(EMBEDDED, device=str(device), precision="fp32")

    def __call__(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean over layers of ``|f - g| / |g|``, in places and of each channel's mean and deviation.

        0 for equal pictures. Pictures are ``[B, C, H, W]`` in [0, 1], of which the first quarter is compared: of color,
        or of one channel; what comes behind the first three is left out.

        Source: Johnson, Alahi, Fei-Fei 2016, arXiv 1603.08155, section 3.2; Wang et al. 2018, arXiv 1711.11585,
        section 3.3, for L1. Differs: our own network, relative to its activations on the true picture; moments of the
        features instead of their Gram matrices.
        """
        count = -(-len(made) // PART)
        with torch.no_grad():
            true = self.critic(_colors(wanted[:count]), LAYERS)
        found = self.critic(_colors(made[:count]), LAYERS)
        return torch.stack([_distance(found[name].float(), true[name].float()) for name in LAYERS]).mean()


def _distance(f: Tensor, g: Tensor) -> Tensor:
    pairs = [(f, g), *zip(_moments(f), _moments(g), strict=True)]
    return torch.stack([(a - b).abs().mean() / (b.abs().mean() + FAINT) for a, b in pairs]).sum()


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of every channel over the picture."""
    variance, mean = torch.var_mean(x, dim=(2, 3), correction=0)
    return mean, (variance + FAINT).sqrt()


def _colors(images: Tensor) -> Tensor:
    """Return pictures as the network takes them: three channels, large enough."""
    rgb = images[:, :3] if images.shape[1] >= 3 else images[:, :1].expand(-1, 3, -1, -1)
    short = min(rgb.shape[2:])
    if short >= LEAST_PX:
        return rgb
    size = [round(n * LEAST_PX / short) for n in rgb.shape[2:]]
    return F.interpolate(rgb, size, mode="bilinear", align_corners=False)
