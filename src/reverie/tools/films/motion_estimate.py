"""Estimators of motion by the name that users choose them by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from reverie.critic.precision import resolve_device
from reverie.media.flow import Motion, consistent, motion
from reverie.models.raft import RaftFlow
from reverie.weights.raft import raft_state

Estimator = Callable[[np.ndarray, np.ndarray], Motion]
"""Takes the current and the previous frame, ``[H, W, 3]`` uint8."""


def open_estimator(name: str = "dis", device: str = "auto") -> Estimator:
    """Return the estimator called `name`: 'dis' or 'raft'.

    Raises:
        WeightsError: the weights of RAFT are not on this machine.
    """
    if name == "dis":
        return motion
    return raft_estimator(RaftFlow(raft_state()).to(resolve_device(device)))


def raft_estimator(net: RaftFlow) -> Estimator:
    """Return RAFT as an estimator: both directions in one batch."""
    where = next(net.parameters()).device

    def estimate(current: np.ndarray, previous: np.ndarray) -> Motion:
        now, before = _tensor(current).to(where), _tensor(previous).to(where)
        with torch.no_grad():
            both = net(torch.cat([now, before]), torch.cat([before, now]))
        back, forth = both.permute(0, 2, 3, 1).float().cpu().numpy()
        return Motion(np.ascontiguousarray(back), consistent(np.ascontiguousarray(back), np.ascontiguousarray(forth)))

    return estimate


def _tensor(frame: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None].float() / 255
