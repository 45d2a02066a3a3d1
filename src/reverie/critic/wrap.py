"""Whatever is a network as a critic: an `nn.Module`, a critic, a name, a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from reverie.critic.critic import Critic, Preprocessing
from reverie.critic.module import module_critic
from reverie.critic.open import open_critic
from reverie.errors import InputError


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
        return open_critic(model, weights, device=device, precision=precision)
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        raise InputError(f"a network must be a torch.nn.Module, a Critic, or a name such as 'resnet18'; got {kind}")
    return module_critic(
        model, preprocessing=preprocessing, classes=classes, name=name, input_px=input_px, device=device,
        precision=precision,
    )  # fmt: skip
