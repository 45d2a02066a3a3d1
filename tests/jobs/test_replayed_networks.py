"""A network that was made again is told from one that came out as another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from reverie.jobs.replay import _same_network
from reverie.weights.checkpoint import Description, save_model


def test_networks_are_the_same_by_their_weights_and_by_what_is_said_of_them(tmp_path: Path):
    about = Description("can", (), (0.0,) * 3, (1.0,) * 3, 32, kind="translator", date="2026-01-01")
    state = {"layer": torch.arange(3.0)}
    first = tmp_path / "first.safetensors"
    save_model(first, state, about)

    def compared(state: dict[str, torch.Tensor], about: Description) -> str:
        save_model(tmp_path / "other.safetensors", state, about)
        return _same_network(first, tmp_path / "other.safetensors")

    later = replace(about, date="2026-01-02")
    assert compared(state, later) == "the weights are the same, and all that is said of them but the day"
    assert compared(state, replace(later, recipe={"device": "cpu"})) == "the weights are the same"
    assert compared({"layer": torch.arange(3.0) + 1}, about) == ""
    assert compared({"other": torch.arange(3.0)}, about) == ""
