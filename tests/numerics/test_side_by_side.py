"""Work in several threads: all of it, in order, with torch's own threads as they were."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from reverie.numerics.side_by_side import side_by_side


def test_results_come_in_order_and_from_several_threads(threads: Callable[[int], None]):
    threads(2)
    both = threading.Barrier(2, timeout=20)  # opens only where two are at work at once

    def work(number: int) -> tuple[int, str]:
        if number < 2:
            both.wait()
        return number, threading.current_thread().name

    found = side_by_side(work, 9)
    assert [number for number, _ in found] == list(range(9))
    assert threading.current_thread().name not in {name for _, name in found}


def test_one_thread_or_one_part_stays_here(threads: Callable[[int], None]):
    here = threading.get_ident()
    threads(1)
    assert side_by_side(lambda _: threading.get_ident(), 3) == [here] * 3
    threads(2)
    assert side_by_side(lambda _: threading.get_ident(), 1) == [here]


def test_torch_has_one_thread_inside_and_its_own_number_outside(threads: Callable[[int], None]):
    threads(3)
    inside = side_by_side(lambda _: (torch.get_num_threads(), side_by_side(lambda n: n, 2)), 3)
    assert inside == [(1, [0, 1])] * 3  # and what is shared out inside again runs there
    assert torch.get_num_threads() == 3
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 3
    threads(2)
    assert len(set(side_by_side(lambda _: threading.get_ident(), 20))) <= 2


def test_an_error_comes_out(threads: Callable[[int], None]):
    threads(2)

    def work(number: int) -> None:
        if number == 2:
            raise ValueError("the third")

    with pytest.raises(ValueError, match="the third"):
        side_by_side(work, 5)
