"""Tiles of style transfers, planned for a memory."""

from __future__ import annotations

import time

import pytest

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.tools.style.config import StyleConfig
from reverie.tools.style_steps import plan as style_plan
from reverie.tools.style_steps.plan import LEAST_CORE_PX, Scale, estimate, plan_style, tile_for

LAYERS = ("conv1", "mixed3a", "mixed4c")
CONFIG = StyleConfig(min_size=64)


@pytest.fixture(scope="module")
def critic() -> Critic:
    return open_critic("embedded", device="cpu", precision="fp32")


@pytest.mark.parametrize("budget", [3e8, 5e8, 8e8, 2e9])
@pytest.mark.parametrize("size", [(300, 500), (1000, 900)])
def test_the_tile_is_the_largest_that_fits(critic: Critic, size: tuple[int, int], budget: float) -> None:
    def needs(tile: int) -> float:
        return estimate(Scale(size, 0, tile), CONFIG, critic, LAYERS, 1e8)

    align = critic.stride(LAYERS)
    sides = [n for n in range(align, max(size) + align, align) if n >= LEAST_CORE_PX]
    fitting = [n for n in sides if needs(n) <= budget]
    if needs(0) <= budget:
        assert tile_for(size, CONFIG, critic, LAYERS, budget, 1e8) == 0
    elif fitting:
        assert tile_for(size, CONFIG, critic, LAYERS, budget, 1e8) == max(fitting)
    else:
        with pytest.raises(InputError, match="too little"):
            tile_for(size, CONFIG, critic, LAYERS, budget, 1e8)


def test_a_huge_size_is_refused_at_once_and_by_its_name(critic: Critic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_plan, "memory_budget", lambda *_: (1e9, 3e8))
    began = time.process_time()
    with pytest.raises(InputError, match=r"too little for 60000 x 40000 px .* or a smaller --size"):
        plan_style((40, 60), StyleConfig(size=60_000), critic, LAYERS)
    assert time.process_time() - began < 2


def test_where_no_size_fits_none_is_advised(critic: Critic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_plan, "memory_budget", lambda *_: (3e8, 2.99e8))
    with pytest.raises(InputError, match=r"these layers take .* at any size") as caught:
        plan_style((400, 600), StyleConfig(size=600), critic, LAYERS)
    assert "smaller" not in str(caught.value)
