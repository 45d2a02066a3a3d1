"""Which threads are chosen, for machines and environments of every kind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reverie import threads
from reverie.errors import InputError
from reverie.threads import Choice, Look, choose, others_busy, parse_threads


@pytest.mark.parametrize(
    ("cores", "others", "asked", "environment", "expected"),
    [
        (2, 0.0, None, {}, Choice(None, False)),  # idle: all cores, spinning
        (2, 0.2, None, {}, Choice(None, False)),  # a clock and a desktop
        (2, 1.0, None, {}, Choice(1, True)),  # one busy loop
        (2, 2.0, None, {}, Choice(1, True)),
        (16, 3.0, None, {}, Choice(13, True)),
        (16, 40.0, None, {}, Choice(1, True)),
        (2, 1.0, 2, {}, Choice(2, True)),  # asked for
        (2, 0.0, 1, {}, Choice(1, False)),
        (2, 1.0, None, {"OMP_NUM_THREADS": "2"}, Choice(None, True)),  # the user's own word
        (2, 1.0, None, {"OMP_WAIT_POLICY": "active"}, Choice(1, False)),
        (2, 1.0, None, {"GOMP_SPINCOUNT": "0"}, Choice(1, False)),
    ],
)
def test_the_choice_follows_the_free_cores(cores, others, asked, environment, expected) -> None:
    assert choose(cores, others, asked, environment) == expected


def test_load_is_that_of_others_alone() -> None:
    assert others_busy(Look(0, 10, 1), Look(2, 13, 2)) == 1.0
    assert others_busy(Look(0, 10, 1), Look(2, 11, 2)) == 0.0
    assert others_busy(None, Look(2, 11, 2)) == 0.0
    assert threads.busy_seconds(["cpu", "100", "0", "100", "900", "50", "0", "0", "100"]) == 300 / os.sysconf(
        "SC_CLK_TCK"
    )


def test_a_quota_of_either_version_counts(tmp_path: Path, monkeypatch) -> None:
    v2, limit, period = (tmp_path / name for name in ("max", "limit", "period"))
    monkeypatch.setattr(threads, "QUOTAS", (v2,))
    monkeypatch.setattr(threads, "QUOTA_V1", (limit, period))
    assert threads.quota() is None
    limit.write_text("300000")
    period.write_text("100000")
    assert threads.quota() == 3
    v2.write_text("150000 100000")
    assert threads.quota() == 2
    v2.write_text("max 100000")
    assert threads.quota() is None


def test_threads_are_auto_or_a_number() -> None:
    assert (parse_threads("auto"), parse_threads("3")) == (None, 3)
    for text in ("0", "-1", "two", ""):
        with pytest.raises(InputError, match="--threads must be"):
            parse_threads(text)


CHILD = """
import os, sys
from reverie.threads import settle_before_torch
settle_before_torch({asked})
import torch
print(torch.get_num_threads(), os.environ.get("OMP_WAIT_POLICY"))
"""


def child(asked: int | None = None) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "MKL_"))}
    found = subprocess.run(
        [sys.executable, "-c", CHILD.format(asked=asked)], env=environment, capture_output=True, text=True, check=True
    )
    return found.stdout.split()


@pytest.mark.slow
def test_beside_a_busy_process_threads_sleep_and_are_fewer() -> None:
    if threads.look() is None:
        pytest.skip("this system does not tell how busy it is")
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(threads.usable_cores())]
    try:
        time.sleep(0.3)
        assert child() == ["1", "passive"]
        assert child(2)[0] == "2"
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
