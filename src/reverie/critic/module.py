"""A network of a program's own as a critic: any `nn.Module` that takes color pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import nn

from reverie.critic.critic import LOGITS, Critic, Identity, Preprocessing
from reverie.critic.precision import resolve_device
from reverie.errors import InputError

IMAGENET = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
DEPTH = 0.6  # of the layers that still have positions: where forms are, and not only textures
GUESSED = (
    "preprocessing guessed: mean and deviation of ImageNet; give preprocessing=Preprocessing(mean, std) for another"
)


def module_critic(
    model: nn.Module, *, preprocessing: Preprocessing | None = None, classes: Sequence[str] = (),
    name: str | None = None, input_px: int | None = None, device: str = "auto", precision: str = "auto",
) -> Critic:  # fmt: skip
    """Return a critic of a module, which is copied; see `reverie.critic.wrap.as_critic`."""
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
