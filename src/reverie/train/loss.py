"""The loss of a classifier: cross entropy with label smoothing and class weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.precision import Precision, autocast
from reverie.train.normalization import Normalization


@dataclass(frozen=True)
class ClassifierLoss:
    """Cross entropy of a network on pictures in [0, 1].

    `class_weights` ``[C]`` or None; `label_smoothing` as in Szegedy et al. 2015, arXiv 1512.00567, section 7.
    """

    normalization: Normalization
    label_smoothing: float
    class_weights: Tensor | None
    device: torch.device
    precision: Precision

    def __call__(self, net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss, a scalar in float32."""
        with autocast(self.device, self.precision):
            logits = net(self.normalization(images))
        return F.cross_entropy(logits.float(), labels, self.class_weights, label_smoothing=self.label_smoothing)


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Return ``[C]`` weights proportional to the inverse square root of each class's size.

    They average to 1 over the pictures. The square root lies between no correction and full balance, which would
    let a handful of pictures dominate.
    """
    counts = torch.bincount(labels, minlength=classes).clamp_min(1).float()
    weights = counts.rsqrt()
    return weights / (weights * counts).sum() * counts.sum()
