"""The network that a training run begins with: fresh, fine-tuned from our own weights, or from torchvision's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reverie.critic.layers import on_meta, smallest_side, trace
from reverie.errors import InputError, LayerError, WeightsError, unknown_name
from reverie.models.build import build_classifier
from reverie.models.classifier import STAGES
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.normalization import Normalization
from reverie.train.schedule import progressive_px
from reverie.weights.checkpoint import load_model
from reverie.weights.embedded import network_or_file
from reverie.weights.pretrained import pretrained_state


@dataclass(frozen=True)
class Start:
    """A network before its first step.

    `frozen` are the modules that must stay in eval mode; `options` is what its description must carry;
    `normalization` is the one that initial weights were trained with, or None for a fresh network.
    """

    net: nn.Module
    frozen: tuple[nn.Module, ...]
    options: dict[str, Any]
    normalization: Normalization | None


def initial_network(config: ClassifierConfig, classes: tuple[str, ...], *, load: bool = True) -> Start:
    """Return the network to train; `load=False` leaves out the initial weights (a resumed run has its own).

    Raises:
        InputError: initial weights of another architecture, or nothing left to train.
        WeightsError: initial weights that are missing, broken or not fetched.
        LayerError: `freeze_to` names no layer.
    """
    options: dict[str, Any] = {"dropout": config.dropout} if config.architecture in STAGES else {}
    net = build_classifier(config.architecture, len(classes), options)
    normalization = _load_initial(net, config, classes) if config.init and load else None
    return Start(net, _freeze(net, config.freeze_to), options, normalization)


def _load_initial(net: nn.Module, config: ClassifierConfig, classes: tuple[str, ...]) -> Normalization:
    if config.init == "pretrained":
        state, record = pretrained_state(config.architecture)
        _copy_weights(net, state, record.file_name, keep_head=False)
        return Normalization(record.mean, record.std)
    path = network_or_file(config.init)
    state, description = load_model(path)
    if description.architecture != config.architecture:
        raise InputError(
            f"--init '{path.name}' is a network of kind '{description.architecture}', not '{config.architecture}'; "
            f"add --architecture {description.architecture}"
        )
    _copy_weights(net, state, path.name, keep_head=description.classes == classes)
    return Normalization(description.mean, description.std)


@torch.no_grad()
def _copy_weights(net: nn.Module, state: dict[str, Tensor], name: str, keep_head: bool) -> None:
    """Copy all weights, those of the last layer only if its classes are the same."""
    head = "" if keep_head else head_name(net) + "."
    for key, own in net.state_dict().items():
        if head and key.startswith(head):
            continue
        if key not in state or state[key].shape != own.shape:
            if key.endswith("num_batches_tracked"):  # absent from files of 2017, and not used
                continue
            raise WeightsError(f"'{name}' does not fit this architecture: '{key}' is missing or of another shape")
        own.copy_(state[key])


def head_name(net: nn.Module) -> str:
    """Return the name of the layer that gives the logits: the last linear or convolutional one."""
    return [name for name, m in net.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]


def _freeze(net: nn.Module, layer: str) -> tuple[nn.Module, ...]:
    """Freeze every module up to the end of the named one, in the order in which they are defined."""
    if not layer:
        return ()
    named = [(name, module) for name, module in net.named_modules() if name]
    names = [name for name, _ in named]
    full = next((n for n in names if n == layer or n.endswith("." + layer)), None)
    if full is None:
        raise LayerError(unknown_name("layer", layer, names))
    last = max(i for i, name in enumerate(names) if name == full or name.startswith(full + "."))
    frozen = tuple(m for _, m in named[: last + 1] if not any(m.children()))
    for module in frozen:
        module.requires_grad_(False)
    if not any(p.requires_grad for p in net.parameters()):
        raise InputError(f"--freeze-to {layer} leaves nothing to train; name an earlier layer")
    return frozen


def check_input_size(net: nn.Module, config: ClassifierConfig) -> None:
    """Raise `InputError` if the smallest pictures of the run are too small for the network."""
    px = progressive_px(0.0, config.input_px) if config.progressive else config.input_px
    shapes = on_meta(net).eval()
    try:
        trace(shapes, (px, px))
    except (RuntimeError, ValueError) as error:
        least = smallest_side(shapes, 1024)
        begins = f" (--progressive begins with {px} px)" if config.progressive else ""
        raise InputError(
            f"--input-px {config.input_px}{begins} is too small for {config.architecture}, which needs at least {least}"
        ) from error
