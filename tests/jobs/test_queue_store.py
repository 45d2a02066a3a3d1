"""The queue in its database: order, leases, wishes, retries; nothing is lost and nothing is given out twice."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from reverie.errors import InputError
from reverie.jobs.queue.entry import Made
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.lease import MOST_ATTEMPTS, Leases
from reverie.jobs.queue.store import Queue

RECORD = {"tool": "invert", "config": {}}


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(Home(tmp_path / "home"))


def test_jobs_are_taken_by_priority_then_in_order(queue: Queue) -> None:
    first, second = (queue.add(RECORD, suffix=".png").id for _ in range(2))
    urgent = queue.add(RECORD, suffix=".png", priority=5).id
    assert queue.waiting() == [urgent, first, second]
    leases = Leases(queue.database)
    worker = leases.enter("auto")
    assert [leases.claim(worker).id for _ in range(3)] == [urgent, first, second]  # type: ignore[union-attr]
    assert leases.claim(worker) is None


def test_no_job_is_given_to_two_workers(queue: Queue) -> None:
    jobs = {queue.add(RECORD, suffix=".png").id for _ in range(24)}
    leases = Leases(queue.database)
    taken: list[str] = []

    def work() -> None:
        worker = leases.enter("auto")
        while (entry := leases.claim(worker)) is not None:
            taken.append(entry.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 24
    assert set(taken) == jobs


def gone(queue: Queue, worker: str) -> None:
    """Make a worker look as after kill -9: its process is another one."""
    with queue.database.writing() as db:
        db.execute("UPDATE workers SET pid = 999999999 WHERE id = ?", (worker,))


def test_the_job_of_a_dead_worker_comes_back_and_the_dead_can_hand_nothing_in(queue: Queue) -> None:
    job = queue.add(RECORD, suffix=".png").id
    leases = Leases(queue.database)
    dead = leases.enter("auto")
    leases.claim(dead)
    gone(queue, dead)
    assert leases.bury() == 1
    assert queue.get(job).state == "queued"
    assert not leases.settle(job, dead, "done", "", 1.0, [Made("a.png", "picture", "0" * 64, 1)])
    assert queue.get(job).results == ()
    alive = leases.enter("auto")
    assert leases.claim(alive).attempts == 2  # type: ignore[union-attr]
    assert leases.settle(job, alive, "done", "well", 1.0, [Made("a.png", "picture", "0" * 64, 1)])
    assert (queue.get(job).state, len(queue.get(job).results)) == ("done", 1)


def test_a_job_that_takes_its_workers_down_is_given_up(queue: Queue) -> None:
    job = queue.add(RECORD, suffix=".png").id
    leases = Leases(queue.database)
    for _ in range(MOST_ATTEMPTS):
        worker = leases.enter("auto")
        assert leases.claim(worker) is not None
        gone(queue, worker)
        leases.bury()
    assert queue.get(job).state == "failed"
    assert f"{MOST_ATTEMPTS} times" in queue.get(job).text
    assert queue.retry(job).attempts == 0


def test_a_worker_that_leaves_in_order_counts_no_attempt(queue: Queue) -> None:
    job = queue.add(RECORD, suffix=".png").id
    leases = Leases(queue.database)
    worker = leases.enter("auto")
    leases.claim(worker)
    leases.leave(worker)
    assert (queue.get(job).state, queue.get(job).attempts) == ("queued", 0)


def test_silence_for_as_long_as_the_lease_is_death(queue: Queue) -> None:
    job = queue.add(RECORD, suffix=".png").id
    leases = Leases(queue.database)
    worker = leases.enter("auto")
    leases.claim(worker)
    assert leases.bury() == 0
    with queue.database.writing() as db:
        db.execute("UPDATE workers SET lease = 0")
    assert leases.bury() == 1
    assert queue.get(job).state == "queued"
    assert not leases.beat(worker)


def test_wishes_on_waiting_jobs_hold_at_once(queue: Queue) -> None:
    job = queue.add(RECORD, suffix=".png").id
    assert queue.wish(job, "pause").state == "paused"
    assert queue.waiting() == []
    assert queue.wish(job, "").state == "queued"
    assert queue.wish(job, "cancel").state == "cancelled"
    with pytest.raises(InputError, match="over: cancelled"):
        queue.wish(job, "pause")
    assert queue.retry(job).state == "queued"
    with pytest.raises(InputError, match="no job"):
        queue.wish("nothing-of-this-name", "pause")


def test_a_cancelled_job_of_a_dead_worker_stays_cancelled_and_a_paused_one_paused(queue: Queue) -> None:
    jobs = [queue.add(RECORD, suffix=".png").id for _ in range(2)]
    leases = Leases(queue.database)
    worker = leases.enter("auto")
    for job, wish in zip(jobs, ("cancel", "pause"), strict=True):
        leases.claim(worker)
        queue.wish(job, wish)  # type: ignore[arg-type]
    gone(queue, worker)
    leases.bury()
    assert [queue.get(job).state for job in jobs] == ["cancelled", "paused"]


def test_too_many_waiting_jobs_are_refused(queue: Queue) -> None:
    for _ in range(3):
        queue.add(RECORD, suffix=".png", owner="me", most=3)
    with pytest.raises(InputError, match="3 jobs wait"):
        queue.add(RECORD, suffix=".png", owner="me", most=3)
    queue.add(RECORD, suffix=".png", owner="you", most=3)


def test_the_gallery_finds_by_words_favourites_and_tool_and_forgets_what_is_deleted(queue: Queue) -> None:
    leases = Leases(queue.database)
    worker = leases.enter("auto")
    for title in ("red fox", "100% cat"):
        job = queue.add({**RECORD, "config": {"title": title}}, suffix=".png", title=title)
        leases.claim(worker)
        leases.settle(job.id, worker, "done", "", 1.0, [Made("a.png", "picture", "0" * 64, 1)])
    names = lambda **ask: [entry.title for entry in queue.gallery(**ask)]  # noqa: E731
    assert names() == ["100% cat", "red fox"]
    assert names(words="fox") == ["red fox"]
    assert names(words="0% c") == ["100% cat"]
    assert names(words="%") == ["100% cat"]
    assert names(tool="dream") == []
    fox = queue.gallery(words="fox")[0]
    queue.mark(fox.results[0].id, favourite=True)
    assert names(favourites=True) == ["red fox"]
    before = queue.latest_change()
    queue.delete(fox.id)
    assert names() == ["100% cat"]
    assert [entry.state for entry in queue.changed_after(before)] == ["deleted"]
    assert not queue.home.result(fox.id).exists()


def test_a_job_that_is_asked_for_twice_with_one_word_is_there_once(queue: Queue) -> None:
    keys = {queue.add(RECORD, suffix=".png", owner="me", once="word").id for _ in range(2)}
    assert len(keys) == 1
    assert queue.add(RECORD, suffix=".png", owner="you", once="word").id not in keys
    assert queue.add(RECORD, suffix=".png", owner="me").id not in keys


def test_steering_reaches_only_jobs_that_run(queue: Queue) -> None:
    job = queue.add(RECORD, suffix=".png").id
    with pytest.raises(InputError, match="runs"):
        queue.steer(job, "strength", 0.5)
    leases = Leases(queue.database)
    worker = leases.enter("auto")
    leases.claim(worker)
    queue.steer(job, "strength", 0.5)
    assert leases.wished(job, worker).changes == (("strength", 0.5),)  # type: ignore[union-attr]
    assert leases.wished(job, worker).changes == ()  # type: ignore[union-attr]
