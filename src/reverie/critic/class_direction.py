"""Where in a layer's space a class lies."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.critic.average import mean_over_all, natural_noise
from reverie.critic.critic import LOGITS, Critic
from reverie.errors import LayerError


def mean_class_direction(critic: Critic, index: int, name: str) -> Tensor:
    """Return the ``[C]`` direction in a layer that raises a class most, on average, of length one.

    The gradient of the logit with respect to the layer, averaged over positions and over pictures of noise with a
    photograph's spectrum; in the layer that a linear head reads it is that class's weights.

    Raises:
        LayerError: the layer has no say in the class.
    """
    head = critic.class_direction(index)
    if head is not None and critic.layer(head[0]).path == critic.layer(name).path:
        return _unit(head[1], name)
    images = natural_noise(max(critic.identity.input_px, critic.min_side)).to(critic.device).requires_grad_(True)
    seen = critic(images, [name, LOGITS])
    total = seen[LOGITS].flatten(1)[:, index].float().sum()
    (gradient,) = torch.autograd.grad(total, seen[name], allow_unused=True)
    if gradient is None:
        raise LayerError(f"layer '{name}' has no say in the class; choose an earlier --layer")
    return _unit(mean_over_all(gradient), name)


def _unit(vector: Tensor, name: str) -> Tensor:
    length = vector.norm()
    if not length > 0:
        raise LayerError(f"layer '{name}' gives no direction for this class; choose another --layer")
    return (vector / length).detach().cpu()
