"""Build a network from the name and options that a description carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from reverie.errors import InputError, WeightsError, unknown_name
from reverie.models.caffe_googlenet import CaffeGoogLeNet
from reverie.models.classifier import STAGES, StagedClassifier
from reverie.models.nin import NetworkInNetwork
from reverie.weights.vision import torchvision

TORCHVISION = (
    "resnet18", "resnet34", "resnet50", "googlenet", "inception_v3", "vgg11", "vgg16", "vgg19", "vgg16_bn", "vgg19_bn",
    "squeezenet1_0", "squeezenet1_1", "alexnet", "densenet121", "mobilenet_v2",
)  # fmt: skip

NIN = "nin"
CAFFE_GOOGLENET = "googlenet-caffe"  # another network than torchvision's, not only other colors
NAMED = (*TORCHVISION, NIN, CAFFE_GOOGLENET)  # architectures that weights of others can be loaded into


class _NoInitialization(TorchFunctionMode):
    """Leave tensors as they are where a constructor would fill them with random numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_):
            return args[0]
        return func(*args, **(kwargs or {}))


@contextmanager
def shapes_only() -> Iterator[None]:
    """Build networks without memory or first weights, to be filled by ``load_state_dict(assign=True)``.

    On the meta device alone, initialization would import torch's compiler: a second at every start.
    """
    with torch.device("meta"), _NoInitialization():
        yield


def check_fit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], name: str) -> None:
    """Refuse weights that are missing, left over or of another shape than a file's description says.

    Raises:
        WeightsError: names the first.
    """
    for key in [*expected, *found]:
        if key not in expected or key not in found or expected[key].shape != found[key].shape:
            raise WeightsError(f"'{name}' is damaged: the weight '{key[:80]}' does not fit its description")


def build_classifier(architecture: str, classes: int, options: dict[str, Any] | None = None) -> nn.Module:
    """Return an untrained network with `classes` outputs.

    Raises:
        InputError: an architecture that is not known.
    """
    options = dict(options or {})
    if architecture in STAGES:
        return StagedClassifier(STAGES[architecture], classes, dropout=options.get("dropout", 0.2))
    if architecture == NIN:
        return NetworkInNetwork(classes)
    if architecture == CAFFE_GOOGLENET:
        return CaffeGoogLeNet(classes)
    if architecture not in TORCHVISION:
        raise InputError(unknown_name("architecture", architecture, (*STAGES, *NAMED)))
    builder = getattr(torchvision().models, architecture)
    if architecture in ("googlenet", "inception_v3"):
        return builder(
            weights=None, num_classes=classes, aux_logits=options.get("aux_logits", False), init_weights=False
        )
    return builder(weights=None, num_classes=classes)
