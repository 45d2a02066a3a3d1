"""The networks and the picture that the benchmarks measure with."""

from __future__ import annotations

import torch
from measure import PICTURE
from torch import Generator, Tensor, nn

from reverie.critic.critic import Critic
from reverie.critic.open import EMBEDDED_NAMES, RANDOM, _untrained, open_critic
from reverie.media.image import read_square
from reverie.objective import layer
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Transforms
from reverie.tools.dream.config import DreamConfig


def critic_of(network: str, precision: str) -> Critic:
    """Open the embedded network with its own weights, any other with random ones."""
    return open_critic(
        network, None if network in EMBEDDED_NAMES else RANDOM, device="cpu", precision=precision, fuse=True
    )


def unprepared(network: str) -> nn.Module:
    """Return the network as its library gives it, with the weights of ``open_critic(network, "random")``.

    A private function of ours makes them: a copy of it here would drift away, and comparisons would lose their sense.
    """
    return _untrained(network).eval()


def photo(side: int, width: int | None = None) -> Tensor:
    """Return the middle of the example picture, ``[1, 3, side, width or side]`` in [0, 1]."""
    largest = max(side, width or side)
    with PICTURE.open("rb") as stream:
        square = torch.from_numpy(read_square(stream, largest, PICTURE.name))
    image = square.permute(2, 0, 1)[None].float() / 255
    top = (largest - side) // 2
    left = (largest - (width or side)) // 2
    return image[..., top : top + side, left : left + (width or side)].contiguous()


def ascent_of(critic: Critic, name: str, *, jitter: bool) -> Ascent:
    """Return what `reverie dream` raises for one layer, with its default jitter or without any."""
    return Ascent(critic, layer(name, "l2"), Transforms(DreamConfig().jitter if jitter else 0))


def generator() -> Generator:
    """Return a seeded generator."""
    return Generator().manual_seed(0)
