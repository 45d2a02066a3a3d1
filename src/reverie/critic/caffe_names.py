"""From the names of layers in Caffe's files to the modules of our networks."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

CONNECTED = {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}  # VGG; tuned networks say fc8_flickr
FIRE = {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}  # SqueezeNet


def by_modules(state: Mapping[str, Tensor], alias: Mapping[str, str]) -> dict[str, Tensor]:
    """Return weights under the names of modules, for networks whose readable names are Caffe's.

    Args:
        state: weights by name, as ``conv1_1.weight`` or ``fire2/squeeze1x1.bias``.
        alias: module paths by readable names, as ``{"conv1_1": "features.0"}``.
    """
    return {_module(name, alias): value for name, value in state.items()}


def _module(name: str, alias: Mapping[str, str]) -> str:
    layer, _, kind = name.rpartition(".")
    block, _, part = layer.partition("/")
    if layer in alias:
        layer = alias[layer]
    elif block in alias and part in FIRE:
        layer = f"{alias[block]}.{FIRE[part]}"
    else:
        layer = CONNECTED.get(layer[:3], layer)
    return f"{layer}.{kind}"
