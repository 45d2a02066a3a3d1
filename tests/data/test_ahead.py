"""What is made ahead in threads is what would be made when it is asked for."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from reverie.data.ahead import Ahead
from reverie.data.batches import seeded


def drawn(step: int) -> list[float]:
    return torch.rand(4, generator=seeded(3, "batch", step)).tolist()


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("order", [range(12), (5, 6, 7, 2, 3, 20, 0, 21), (4, 4, 4)], ids=["in order", "out", "same"])
def test_it_returns_what_a_call_returns(threads: int, order) -> None:
    ahead = Ahead(drawn, threads)
    assert [ahead.at(step) for step in order] == [drawn(step) for step in order]
    ahead.close()


@pytest.mark.parametrize("threads", [0, 2])
def test_errors_come_at_their_step_and_the_next_one_is_fine(threads: int) -> None:
    def make(step: int) -> int:
        if step == 2:
            raise ValueError(f"no step {step}")
        return step

    ahead = Ahead(make, threads)
    assert [ahead.at(n) for n in range(2)] == [0, 1]
    for _ in range(2):
        with pytest.raises(ValueError, match="no step 2"):
            ahead.at(2)
    assert ahead.at(3) == 3
    ahead.close()


def test_steps_to_come_are_made_by_other_threads_and_only_once() -> None:
    made: list[tuple[int, int]] = []

    def make(step: int) -> int:
        made.append((step, threading.get_ident()))
        return step

    ahead = Ahead(make, 2)
    for step in range(6):
        assert ahead.at(step) == step
    ahead.close()
    steps = [step for step, _ in made]
    assert len(steps) == len(set(steps)) and max(steps) <= 5 + 3
    assert threading.get_ident() not in {thread for _, thread in made}


def test_closing_makes_nothing_more() -> None:
    begun, gate = [], threading.Event()

    def make(step: int) -> int:
        begun.append(step)
        if step:
            gate.wait(10)
        return step

    ahead = Ahead(make, 1)
    assert ahead.at(0) == 0
    ahead.close()
    gate.set()
    time.sleep(0.05)
    assert len(begun) <= 2
