"""A job of the queue whose worker dies goes on from the state that it kept, to the bytes of an unbroken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from reverie.jobs.queue.accept import accept
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.kept import NAME
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.worker import Worker
from reverie.tools.registry import find_tool

DREAM = {"size": 96, "octaves": 2, "steps": 3, "precision": "fp32"}
STYLE = {"size": 64, "min_size": 40, "steps": 4, "min_steps": 3, "precision": "fp32"}


def finish(worker: Worker, turns: int = 10_000) -> None:
    while turns and worker.turn():
        turns -= 1


def added(queue: Queue, files: Path, tool: str, config: dict) -> str:
    store = FileStore(queue.home, queue.database)
    photo, other = store.adopt(files / "0.png"), store.adopt(files / "1.png")
    record: dict = {"tool": tool, "config": config, "input": {"name": "0.png", "sha256": photo.sha256}}
    if tool == "style":
        record["config"] = {"style": ["1.png"], **config}
        record["files"] = {"style 1": {"name": "1.png", "sha256": other.sha256}}
    accepted = accept(record, find_tool, store)
    return queue.add(accepted.record, suffix=accepted.suffix, title=accepted.title).id


def bytes_of(queue: Queue, key: str) -> bytes:
    entry = queue.get(key)
    assert entry.state == "done", entry.text
    return (queue.home.result(key) / entry.results[0].name).read_bytes()


@pytest.mark.parametrize(
    ("tool", "config", "steered"),
    [
        ("dream", DREAM, False),
        ("dream", DREAM | {"layer": ["mixed4a", "mixed3b:2"], "iterations": 2, "steps": 2}, False),
        ("dream", DREAM, True),
        ("style", STYLE, False),
    ],
)
@pytest.mark.slow
def test_it_ends_with_the_same_bytes_wherever_its_worker_died(
    tmp_path, monkeypatch, files: Path, tool: str, config: dict, *, steered: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reverie.jobs.queue.worker.OBEY_S", 0.0)
    monkeypatch.setattr("reverie.jobs.queue.kept.EVERY_S", 0.0)
    monkeypatch.setattr("reverie.jobs.queue.kept.REST", 0)
    queue = Queue(Home(tmp_path / "home"))

    def run(die_after: int | None) -> tuple[str, bytes]:
        key, worker = added(queue, files, tool, config), Worker(queue, find_tool)
        finish(worker, 2)
        if steered:
            queue.steer(key, "strength", 1.7)
        if die_after is not None:
            finish(worker, die_after)
            assert (queue.home.job(key) / NAME).exists()
            worker.serve(lambda: True)  # it leaves with the job open, as one that is killed does
            worker = Worker(queue, find_tool)
        finish(worker)
        assert not (queue.home.job(key) / NAME).exists()
        worker.serve(lambda: True)
        return (queue.home.job(key) / "log.txt").read_text(), bytes_of(queue, key)

    _, whole = run(None)
    for die_after in (1, 4):
        log, result = run(die_after)
        assert f"goes on after step {die_after + 1}" in log
        assert result == whole, die_after


def test_a_state_that_cannot_be_used_begins_again(tmp_path, monkeypatch, files: Path) -> None:
    monkeypatch.chdir(tmp_path)
    queue = Queue(Home(tmp_path / "home"))
    key, worker = added(queue, files, "dream", DREAM), Worker(queue, find_tool)
    queue.home.job(key).mkdir(parents=True, exist_ok=True)
    (queue.home.job(key) / NAME).write_bytes(b"nothing of the kind")
    finish(worker)
    worker.serve(lambda: True)
    assert "begins again" in (queue.home.job(key) / "log.txt").read_text()
    assert queue.get(key).state == "done"
