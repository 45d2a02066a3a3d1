"""Networks of torchvision and timm by their names there, beyond those that Reverie builds itself."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reverie.critic.critic import Identity, Preprocessing
from reverie.critic.module import module_critic
from reverie.errors import InputError, WeightsError
from reverie.weights.foreign import load_state_dict, misfit
from reverie.weights.vision import imagenet_classes, torchvision


def library_network(model: str) -> nn.Module | None:
    """Return an untrained network of torchvision, or of timm as ``timm/NAME``, by its name; None if neither has it.

    Raises:
        InputError: timm is asked for and not installed.
    """
    models = torchvision().models
    library, _, name = model.replace("timm:", "timm/").rpartition("/")
    if not library and model in models.list_models(module=models):
        return models.get_model(model, weights=None)
    if library == "timm":
        try:
            timm: Any = importlib.import_module("timm")
        except ImportError as error:
            raise InputError(f"'{model}' is a network of timm, which is not installed: pip install timm") from error
        return _of_timm(timm, name) if timm.is_model(name) else None
    return None


def _of_timm(timm: Any, name: str) -> nn.Module:
    """Return an untrained network of timm; one that knows pictures of one size alone takes all sizes where it can."""
    try:
        return timm.create_model(name, pretrained=False, dynamic_img_size=True)
    except TypeError:  # no such option
        return timm.create_model(name, pretrained=False)


def open_library(model: str, weights: str | Path | None) -> tuple[nn.Module, Preprocessing, Identity] | None:
    """Return a network of torchvision or timm with a file of its weights; None if neither has one of that name.

    Raises:
        WeightsError: no weights were given, or they do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = library_network(model)
    if net is None:
        return None
    if weights is None:
        raise WeightsError(f"the weights of {model} are not on this machine; give a file with --weights, or 'random'")
    if weights != "random":
        state = load_state_dict(Path(weights))
        try:
            net.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise WeightsError(f"'{weights}' does not fit {model}: {misfit(net.state_dict(), state)}") from error
    critic = module_critic(net, name=model, device="cpu")
    outputs = critic.layers[-1].channels
    classes = imagenet_classes() if outputs == 1000 and weights != "random" else ()
    identity = Identity(
        model, classes, critic.identity.sha256, critic.identity.input_px, critic.identity.default_layers,
        logits_path=critic.identity.logits_path,
    )  # fmt: skip
    return net, critic.preprocessing, identity
