"""RAFT, where its weights are: sizes, directions and the check of the file, with untrained weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.errors import WeightsError
from reverie.media.flow import motion
from reverie.models.raft import RaftFlow
from reverie.tools.films.motion_estimate import open_estimator, raft_estimator
from reverie.weights.raft import NAME


class Shifted(torch.nn.Module):
    """In place of the network: sees how far the brightest column moved."""

    def forward(self, first: torch.Tensor, second: torch.Tensor, num_flow_updates: int) -> list[torch.Tensor]:
        assert all(side % 8 == 0 and side >= 128 for side in first.shape[-2:])
        assert first.min() >= -1 and first.max() <= 1 and num_flow_updates > 0
        moved = second.sum((1, 2)).argmax(1) - first.sum((1, 2)).argmax(1)
        flow = torch.zeros(len(first), 2, *first.shape[-2:])
        flow[:, 0] = moved[:, None, None]
        return [flow]


def test_raft_takes_any_size_and_points_backward() -> None:
    net = RaftFlow()
    with torch.no_grad():
        assert net(torch.rand(1, 3, 70, 150), torch.rand(1, 3, 70, 150)).shape == (1, 2, 70, 150)
    before, after = np.zeros((2, 70, 150, 3), np.uint8)
    before[:, 40], after[:, 47] = 255, 255
    net.net = Shifted()  # type: ignore[assignment]
    net.register_parameter("where", torch.nn.Parameter(torch.zeros(1)))
    found = raft_estimator(net)(after, before)
    assert (found.flow[..., 0] == -7).all() and (found.flow[..., 1] == 0).all()
    assert found.seen[:, 8:].all() and not found.seen[:, :6].any()


def test_weights_are_asked_for_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    assert open_estimator("dis") is motion
    with pytest.raises(WeightsError, match="not part of Reverie: place https://download"):
        open_estimator("raft")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / NAME).write_bytes(b"something else")
    with pytest.raises(WeightsError, match="its sha256 should begin with 01064c6d"):
        open_estimator("raft")
