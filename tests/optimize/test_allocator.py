"""Freed memory goes back to the system where the allocator can be asked."""

import platform
import sys

import psutil
import pytest
import torch

from reverie.optimize import allocator

PIECES, FLOATS = 4096, 4096  # 64 MiB in pieces of 16 KiB: small enough that the allocator keeps them
SLACK = 2**24


@pytest.fixture(autouse=True)
def _fresh() -> None:
    allocator._trim.cache_clear()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_gaps_between_pieces_in_use_go_back() -> None:
    kept = [torch.ones(FLOATS) for _ in range(PIECES)]
    full = psutil.Process().memory_info().rss
    pinned = kept[::64]  # these stay, so that what lies between them is no end of the heap
    del kept
    assert allocator.give_back()
    assert psutil.Process().memory_info().rss < full - PIECES * FLOATS * 4 + PIECES * FLOATS * 4 / 64 + SLACK
    assert len(pinned) == PIECES / 64


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert not allocator.give_back()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_what_a_step_frees_is_there_for_the_next_one_without_new_pages() -> None:
    import resource

    def pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        held = [torch.ones(12 * 2**20) for _ in range(2)]  # 48 MiB each, more than glibc keeps by itself
        del held
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert allocator.keep()
    first, *later = (pages() for _ in range(16))  # by chance of addresses, gaps are found in the third to eighth
    assert min(later[-2:]) < 0.1 * first
    assert allocator.give_back()
