"""A dream records the arithmetic that it was made with, and a replay keeps to it."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.api.pictures import Dream
from reverie.models import fused
from reverie.tools.dream.config import DreamConfig

pytestmark = pytest.mark.skipif(not fused.available(), reason="torch without oneDNN's operators")


def dreamt(precision: str, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, str]:
    monkeypatch.setattr("reverie.critic.precision.bf16_is_faster", lambda _: False)
    source = np.random.default_rng(3).random((48, 64, 3), np.float32)
    made = Dream(source, DreamConfig(steps=2, octaves=1, layer=("mixed3a",), precision=precision, device="cpu"))
    for _ in made:
        pass
    return np.asarray(made.current()), str(made.run.record()["config"]["precision"])  # type: ignore[index]


@pytest.mark.slow
def test_auto_is_fused_and_says_so_and_fp32_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("auto", "fp32-fused-2", "fp32-fused", "fp32")
    pictures, recorded = zip(*(dreamt(precision, monkeypatch) for precision in asked), strict=True)
    assert recorded == ("fp32-fused-2", "fp32-fused-2", "fp32-fused", "fp32")
    assert np.array_equal(pictures[0], pictures[1])
    for picture in pictures[2:]:
        assert np.abs(pictures[0] - picture).mean() < 0.02
