"""Run a classifier over a list of pictures."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from reverie.critic.precision import Precision, autocast
from reverie.data.augment import center
from reverie.data.pack import Pictures
from reverie.train.normalization import Normalization

BATCH = 256


def predict_logits(
    net: nn.Module, pictures: Pictures, input_px: int, normalization: Normalization, device: torch.device,
    precision: Precision,
) -> Tensor:  # fmt: skip
    """Return logits ``[N, C]``, float32 on the CPU, of whole pictures at `input_px`."""
    return torch.cat(list(predicting_logits(net, pictures, input_px, normalization, device, precision)))


def predicting_logits(
    net: nn.Module, pictures: Pictures, input_px: int, normalization: Normalization, device: torch.device,
    precision: Precision, batch: int = BATCH,
) -> Iterator[Tensor]:  # fmt: skip
    """Yield the logits batch by batch; the network's training mode is left as it was."""
    training = net.training
    net.eval()
    try:
        for indices in torch.arange(len(pictures.paths)).split(batch):
            images = center(pictures.fetch(indices), input_px).to(device, memory_format=torch.channels_last)
            with torch.no_grad(), autocast(device, precision):
                logits = net(normalization(images))
            yield logits.float().cpu()
    finally:
        net.train(training)
