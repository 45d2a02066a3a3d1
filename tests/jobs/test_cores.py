import pytest

from reverie.errors import InputError
from reverie.jobs.cores import WORKER_BYTES, share_out, usable_cores


@pytest.mark.parametrize(
    ("workers", "budget_gb", "cores", "expected"),
    [
        ("auto", 16, 2, (2, 1)), ("auto", 64, 16, (16, 1)), ("auto", 2, 16, (2, 8)), ("auto", 0.5, 8, (1, 8)),
        ("1", 16, 8, (1, 8)), ("3", 16, 8, (3, 2)), ("20", 64, 8, (20, 1)),
    ],
)  # fmt: skip
def test_cores_and_memory_are_shared_out(monkeypatch, workers, budget_gb, cores, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    shares = share_out(workers, int(budget_gb * 1e9), cores)
    assert (shares.workers, shares.threads) == expected
    assert shares.workers * shares.worker_bytes <= budget_gb * 1e9
    if workers == "auto" and shares.workers > 1:
        assert shares.worker_bytes >= WORKER_BYTES


def test_the_users_own_limit_of_threads_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert share_out("1", 10**10, 8).threads == 2


@pytest.mark.parametrize("workers", ["0", "-1", "many", "1.5", ""])
def test_workers_must_be_a_number_or_auto(workers):
    with pytest.raises(InputError, match="--workers must be"):
        share_out(workers, 10**9, 2)


def test_there_is_a_core_at_least():
    assert usable_cores() >= 1
    assert share_out("auto").budget_bytes % 2**28 == 0
