"""What a layer does on average, for pictures of nothing in particular."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.numerics.fourier import natural_scale, to_image

PICTURES = 16
SMALLEST_PX = 128  # below it most positions of a deep layer see the border
CONTRAST = 0.2  # standard deviation of a photograph's pixels


def natural_noise(side: int, pictures: int = PICTURES) -> Tensor:
    """Return ``[pictures, 3, side, side]`` in [0, 1]: noise with a photograph's spectrum, always the same."""
    generator = Generator().manual_seed(0)
    shape = (pictures, 3, side, side // 2 + 1)
    spectrum = torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))
    images = to_image(spectrum * natural_scale(side, side), (side, side))
    images = (images - images.mean((1, 2, 3), keepdim=True)) / images.std((1, 2, 3), keepdim=True)
    return (0.5 + CONTRAST * images).clamp(0, 1)


@torch.no_grad()
def mean_activations(critic: Critic, names: Sequence[str]) -> dict[str, Tensor]:
    """Return ``[C]`` float32 by layer name: the mean activation over natural noise."""
    noise = natural_noise(max(critic.identity.input_px, SMALLEST_PX)).to(critic.device)
    total = dict.fromkeys(names, torch.zeros(()))
    for image in noise.split(1):  # one by one, since a dream may have little memory
        for name, a in critic(image, names).items():
            total[name] = total[name].to(a.device) + mean_over_all(a)
    return {name: value / len(noise) for name, value in total.items()}


def mean_over_all(activation: Tensor) -> Tensor:
    """Return ``[C]`` float32, the mean over pictures and positions of ``[B, C, h, w]`` or ``[B, C]``."""
    return activation.float().transpose(0, 1).flatten(1).mean(1)
