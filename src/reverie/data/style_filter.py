"""The style of a student as a filter: what one network does in one pass, another learns to do."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from reverie.errors import WeightsError
from reverie.models.student import STRIDE, StudentNet
from reverie.numerics.filters import Filter
from reverie.numerics.mirror import mirrored
from reverie.weights.checkpoint import load_model

PREFIX = "style:"


def style_filter(path: Path) -> Filter:
    """Return the filter that a student of 'reverie distill' is, at full strength.

    Raises:
        WeightsError: missing, damaged, or no student.
    """
    state, about = load_model(path)
    if about.kind != "student":
        raise WeightsError(f"'{path.name}' holds a network of kind '{about.kind}'; style: needs a student")
    try:
        net = StudentNet(**about.options)
        net.load_state_dict({name: value.float() for name, value in state.items()})
    except (RuntimeError, TypeError) as error:
        raise WeightsError(f"'{path.name}' is damaged: its weights do not fit its description") from error
    net.eval().requires_grad_(False)

    def apply(images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        wide = mirrored(images, 0, -height % STRIDE, 0, -width % STRIDE)
        with torch.no_grad():
            return net(wide)[..., :height, :width].clamp(0, 1)

    return Filter(f"{PREFIX}{path.name}", apply, 3)
