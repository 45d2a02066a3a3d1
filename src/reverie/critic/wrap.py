"""Any network of a program's own as a critic: an `nn.Module`, or a network of torchvision or timm by its name."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reverie.critic.critic import LOGITS, Critic, Identity, Preprocessing
from reverie.critic.precision import resolve_device
from reverie.errors import InputError, WeightsError

IMAGENET = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
DEPTH = 0.6  # of the layers that still have positions: where forms are, and not only textures
GUESSED = (
    "preprocessing guessed: mean and deviation of ImageNet; give preprocessing=Preprocessing(mean, std) for another"
)


def as_critic(
    model: nn.Module | Critic | str = "embedded", *, weights: str | Path | None = None,
    preprocessing: Preprocessing | None = None, classes: Sequence[str] = (), name: str | None = None,
    input_px: int | None = None, device: str = "auto", precision: str = "auto",
) -> Critic:  # fmt: skip
    """Return a critic of whatever is a network.

    Args:
        model: a module ``[B, 3, H, W] -> anything``, which is copied and stays as it is; a critic, returned as it is;
            or a name or file as `reverie.critic.open.open_critic` takes it.
        weights: as there.
        preprocessing: what a module expects; without it, what timm notes on its modules, else that of ImageNet, and
            `Critic.notes` says that this was a guess.
        classes: names of a module's outputs.
        name: of a module, for records and messages; its class by default.
        input_px: side of the pictures that a module was trained on; 224 by default.
        device: see `reverie.critic.precision.resolve_device`.
        precision: ``fp32`` or ``bf16``; ``auto`` measures for named networks and is fp32 for modules.

    Raises:
        InputError: no network, or one that takes no color pictures.
    """
    if isinstance(model, Critic):
        return model
    if isinstance(model, str):
        from reverie.critic.open import open_critic

        return open_critic(model, weights, device=device, precision=precision)
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        raise InputError(f"a network must be a torch.nn.Module, a Critic, or a name such as 'resnet18'; got {kind}")
    noted = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    known = noted if isinstance(noted, dict) else {}
    own = Preprocessing(tuple(known["mean"]), tuple(known["std"])) if {"mean", "std"} <= set(known) else None
    side = input_px or int((known.get("input_size") or (3, 224, 224))[-1])
    identity = Identity(name or type(model).__name__, tuple(classes), state_sha256(model), side)
    how = "bf16" if precision == "bf16" else "fp32"
    try:
        critic = Critic(model, preprocessing or own or IMAGENET, identity, device=resolve_device(device), precision=how)
        critic.adopt_outputs(default_layer(critic))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{identity.name} does not take color pictures [B, 3, {side}, {side}]: {reason}") from error
    critic.brought = True
    critic.notes = () if preprocessing or own else (GUESSED,)
    return critic


def default_layer(critic: Critic) -> str:
    """Return the layer that is amplified where none is named: one at `DEPTH` of those that still have positions."""
    blocks = [layer for layer in critic.layers if layer.stride and "." not in layer.path and layer.name != LOGITS]
    spatial = blocks if len(blocks) > 2 else [x for x in critic.layers if x.stride and x.name != LOGITS]
    if not spatial:
        raise InputError(f"{critic.identity.name} has no layer with positions that could be amplified")
    return spatial[min(len(spatial) - 1, round(DEPTH * len(spatial)))].name


def state_sha256(net: nn.Module) -> str:
    """Return the hash of all weights of a module, by name."""
    digest = hashlib.sha256()
    for name, value in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes() if value.ndim else
                      str(value.item()).encode())  # fmt: skip
    return digest.hexdigest()


def library_network(model: str) -> nn.Module | None:
    """Return an untrained network of torchvision, or of timm as ``timm/NAME``, by its name; None if neither has it.

    Raises:
        InputError: timm is asked for and not installed.
    """
    from reverie.weights.vision import torchvision

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
    from reverie.weights.foreign import load_state_dict, misfit
    from reverie.weights.vision import imagenet_classes

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
    critic = as_critic(net, name=model, device="cpu")
    outputs = critic.layers[-1].channels
    classes = imagenet_classes() if outputs == 1000 and weights != "random" else ()
    identity = Identity(
        model, classes, critic.identity.sha256, critic.identity.input_px, critic.identity.default_layers,
        logits_path=critic.identity.logits_path,
    )  # fmt: skip
    return net, critic.preprocessing, identity
