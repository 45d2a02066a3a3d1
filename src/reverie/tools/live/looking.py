"""What reactions see: the classes that a network finds in frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.jobs.session import Session
    from reverie.tools.live.reactions import Rules


def look_of(
    rules: Rules | None, session: Session, critic: str, device: str
) -> Callable[[np.ndarray], Mapping[str, float]] | None:
    """Return what names the classes that the rules ask for; None where they ask for none."""
    if rules is None or not rules.classes:
        return None
    return looking(session.critic(critic, None, device, "auto"), rules.classes)


def looking(critic: Critic, classes: Sequence[str]) -> Callable[[np.ndarray], Mapping[str, float]]:
    """Return what gives the probability of each class in a frame ``[H, W, 3]`` uint8, as {"class NAME": p}.

    Raises:
        LayerError: a class that the network does not know.
    """
    import torch
    from torch.nn import functional as F

    indices = {name: critic.class_index(name) for name in classes}
    side = critic.identity.input_px

    @torch.no_grad()
    def look(frame: np.ndarray) -> Mapping[str, float]:
        image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float() / 255
        short = min(image.shape[2:])
        top, left = (image.shape[2] - short) // 2, (image.shape[3] - short) // 2
        square = image[..., top : top + short, left : left + short]
        square = F.interpolate(square, (side, side), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        p = F.softmax(critic.logits(square)[0], 0)
        return {f"class {name}": float(p[index]) for name, index in indices.items()}

    return look
