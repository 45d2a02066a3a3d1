"""Readable layer names, logits and good default layers of the architectures we know.

Names follow the papers: ``relu4_2`` rather than ``features.20``. Every other module path stays addressable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from reverie.models.caffe_googlenet import HEAD
from reverie.models.classifier import StagedClassifier

Alias = dict[str, str]


@dataclass(frozen=True)
class Family:
    """How to address one architecture: its alias builder, the module that gives logits, and dream layers.

    `pooled` is the layer whose mean over positions the linear `logits_path` reads, where the network ends that way.
    """

    alias: Callable[[nn.Module], Alias]
    logits_path: str
    default_layers: tuple[str, ...]
    pooled: str = ""


def staged_names(net: nn.Module) -> Alias:
    """Names of the embedded family: its stages."""
    assert isinstance(net, StagedClassifier)
    return {name: f"stages.{name}" for name in net.stage_names}


def sequential_names(net: nn.Module) -> Alias:
    """Names of VGG: ``conv4_2``, ``relu4_2``, ``pool4``, counted within the blocks that pooling ends."""
    alias: Alias = {}
    block = index = 1
    for position, module in enumerate(net.features.children()):  # type: ignore[union-attr]
        path = f"features.{position}"
        if isinstance(module, nn.Conv2d):
            alias[f"conv{block}_{index}"] = path
        elif isinstance(module, nn.ReLU):
            alias[f"relu{block}_{index}"] = path
            index += 1
        elif isinstance(module, nn.MaxPool2d):
            alias[f"pool{block}"] = path
            block, index = block + 1, 1
    return alias


def numbered_names(net: nn.Module) -> Alias:
    """Names of AlexNet: ``conv3``, ``relu3``, counted through."""
    alias: Alias = {}
    index = 0
    for position, module in enumerate(net.features.children()):  # type: ignore[union-attr]
        if isinstance(module, nn.Conv2d):
            index += 1
            alias[f"conv{index}"] = f"features.{position}"
        elif isinstance(module, nn.ReLU):
            alias[f"relu{index}"] = f"features.{position}"
    return alias


def squeezenet_names(net: nn.Module) -> Alias:
    """Names of SqueezeNet: ``conv1``, ``relu1``, ``fire2`` to ``fire9``, ``conv10``."""
    alias: Alias = {"conv1": "features.0", "relu1": "features.1", "conv10": "classifier.1"}
    fires = [p for p, m in enumerate(net.features.children()) if type(m).__name__ == "Fire"]  # type: ignore[union-attr]
    return alias | {f"fire{i + 2}": f"features.{p}" for i, p in enumerate(fires)}


def nin_names(net: nn.Module) -> Alias:
    """Names of Network in Network, as its authors gave them: ``conv1``, ``cccp1``, ``relu0`` to ``relu12``."""
    convolutions = (
        "conv1",
        "cccp1",
        "cccp2",
        "conv2",
        "cccp3",
        "cccp4",
        "conv3",
        "cccp5",
        "cccp6",
        "conv4",
        "cccp7",
        "cccp8",
    )
    relus = (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12)
    kinds = {nn.Conv2d: iter(convolutions), nn.ReLU: (f"relu{n}" for n in relus)}
    children = net.features.named_children()  # type: ignore[union-attr]
    return {next(kinds[type(m)]): f"features.{p}" for p, m in children if type(m) in kinds}


def caffe_names(net: nn.Module) -> Alias:
    """Names of GoogLeNet in Caffe: ``conv2/3x3``, ``inception_4c/output``; those inside blocks are module paths."""
    names = (name for name, _ in net.named_children())
    return {name: name for name in names if name.endswith("/output") or name.startswith(("conv", "pool"))}


def child_names(*prefixes: str, inside: str = "") -> Callable[[nn.Module], Alias]:
    """Names that are already readable: children of `inside` whose names begin with one of `prefixes`."""

    def build(net: nn.Module) -> Alias:
        parent = net.get_submodule(inside) if inside else net
        dot = f"{inside}." if inside else ""
        return {n: dot + n for n, _ in parent.named_children() if n.startswith(prefixes)}

    return build


def residual_names(net: nn.Module) -> Alias:
    """Names of ResNet: ``conv1``, ``layer3`` for a whole stage, ``layer3.4`` for one block of it."""
    alias: Alias = {"conv1": "conv1", "relu": "relu"}
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        count = len(list(net.get_submodule(stage).children()))
        alias |= {f"{stage}.{i}": f"{stage}.{i}" for i in range(count - 1)} | {stage: stage}
    return alias


def block_names(net: nn.Module) -> Alias:
    """Names of MobileNet: ``block0`` to ``block18``."""
    return {f"block{i}": f"features.{i}" for i, _ in enumerate(net.features.children())}  # type: ignore[union-attr]


_RESNET = Family(residual_names, "fc", ("layer3",), "layer4")
_VGG = Family(sequential_names, "classifier.6", ("relu4_3",))
_GOOGLENET_NAMES = child_names("conv", "inception")

FAMILIES: dict[str, Family] = {
    "inception": Family(staged_names, "logits", ("mixed5a",), "mixed5b"),
    "inception2": Family(staged_names, "logits", ("mixed4c",), "mixed5b"),
    "vgg": Family(staged_names, "logits", ("conv5_1",), "conv5_2"),
    "rep": Family(staged_names, "logits", ("rep5a",), "rep5b"),
    "googlenet": Family(_GOOGLENET_NAMES, "fc", ("inception4c",), "inception5b"),
    "inception_v3": Family(child_names("Conv2d", "Mixed"), "fc", ("Mixed_6b",), "Mixed_7c"),
    "resnet18": _RESNET,
    "resnet34": _RESNET,
    "resnet50": _RESNET,
    "vgg11": Family(sequential_names, "classifier.6", ("relu4_2",)),
    "vgg16": _VGG,
    "vgg19": _VGG,
    "vgg16_bn": _VGG,
    "vgg19_bn": _VGG,
    "squeezenet1_0": Family(squeezenet_names, "classifier.3", ("fire8",)),
    "squeezenet1_1": Family(squeezenet_names, "classifier.3", ("fire8",)),
    "googlenet-caffe": Family(caffe_names, HEAD, ("inception_4c/output",), "inception_5b/output"),
    "nin": Family(nin_names, "logits", ("relu7",)),
    "alexnet": Family(numbered_names, "classifier.6", ("relu4",)),
    "densenet121": Family(
        child_names("conv", "denseblock", "transition", inside="features"), "classifier", ("denseblock3",)
    ),
    "mobilenet_v2": Family(block_names, "classifier.1", ("block13",), "block18"),
}
