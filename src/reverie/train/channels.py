"""How strong the channels of a classifier are, measured when it is trained, so that its dreams can be equalized."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.critic.families import FAMILIES
from reverie.critic.statistics import as_tensors, measure, own_pictures
from reverie.data.pack import Pictures
from reverie.train.normalization import Normalization

SEEN = 32  # of the training pictures, besides the package's own
AT_ONCE = 4


def channel_statistics(
    net: nn.Module, architecture: str, normalization: Normalization, pictures: Pictures, device: torch.device
) -> dict[str, Tensor]:
    """Return mean and standard deviation of all layers' channels, by the names of tensors in a network's file.

    Args:
        net: the trained network; it is copied, and seen in the half precision that it is written in.
        architecture: its family.
        normalization: of its input.
        pictures: that it learned from; some are looked at besides the package's own photographs and noise.
        device: where to compute.
    """
    family = FAMILIES[architecture]
    identity = Identity(architecture, alias=family.alias(net), logits_path=family.logits_path, pooled=family.pooled)
    written = copy.deepcopy(net).half().float().eval()
    critic = Critic(written, Preprocessing(normalization.mean, normalization.std), identity, device=device, own=True)
    names = [layer.name for layer in critic.layers]
    return as_tensors(measure(critic, _shown(pictures), names))


def _shown(pictures: Pictures) -> Iterator[Tensor]:
    count = len(pictures.paths)
    chosen = torch.linspace(0, count - 1, min(SEEN, count)).round().long().unique()
    for few in chosen.split(AT_ONCE):  # the activations of all layers are kept meanwhile
        yield pictures.fetch(few).float() / 255
    yield from own_pictures()
