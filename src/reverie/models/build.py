"""Build a network from the name and options that a description carries."""

from __future__ import annotations

from typing import Any

from torch import nn

from reverie.errors import InputError, unknown_name
from reverie.models.classifier import STAGES, StagedClassifier
from reverie.weights.vision import torchvision

TORCHVISION = (
    "resnet18", "resnet34", "resnet50", "googlenet", "inception_v3", "vgg11", "vgg16", "vgg19", "vgg16_bn", "vgg19_bn",
    "squeezenet1_0", "squeezenet1_1", "alexnet", "densenet121", "mobilenet_v2",
)  # fmt: skip


def build_classifier(architecture: str, classes: int, options: dict[str, Any] | None = None) -> nn.Module:
    """Return an untrained network with `classes` outputs.

    Raises:
        InputError: an architecture that is not known.
    """
    options = dict(options or {})
    if architecture in STAGES:
        return StagedClassifier(STAGES[architecture], classes, dropout=options.get("dropout", 0.2))
    if architecture not in TORCHVISION:
        raise InputError(unknown_name("architecture", architecture, (*STAGES, *TORCHVISION)))
    builder = getattr(torchvision().models, architecture)
    if architecture in ("googlenet", "inception_v3"):
        return builder(
            weights=None, num_classes=classes, aux_logits=options.get("aux_logits", False), init_weights=False
        )
    return builder(weights=None, num_classes=classes)
