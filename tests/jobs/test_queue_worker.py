"""A worker in this process: results are those of the command line, and everything can be asked between two steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_registry import FADE, find_tool

from reverie.jobs.execute import execute
from reverie.jobs.given import Given
from reverie.jobs.queue.accept import accept
from reverie.jobs.queue.entry import Entry
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.trail import look, progress_of, without_places
from reverie.jobs.queue.worker import Worker
from reverie.jobs.run import open_run
from reverie.jobs.session import Session
from reverie.jobs.stored import stored_record
from reverie.jobs.watch import Nobody


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(Home(tmp_path / "home"))


@pytest.fixture
def worker(queue: Queue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reverie.jobs.queue.worker.OBEY_S", 0.0)
    made = Worker(queue, find_tool)
    yield made
    made.serve(lambda: True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(tmp_path / "fox.png")
    return tmp_path / "fox.png"


def added(queue: Queue, photo: Path, tool: str = "fade", **config: object) -> Entry:
    files = FileStore(queue.home, queue.database)
    item = files.adopt(photo)
    record = {"tool": tool, "config": config, "input": {"name": photo.name, "sha256": item.sha256}}
    accepted = accept(record, find_tool, files)
    return queue.add(accepted.record, suffix=accepted.suffix, title=accepted.title)


def finish(worker: Worker) -> None:
    while worker.turn():
        pass


def test_the_result_has_the_bytes_of_the_command_line(queue: Queue, worker: Worker, photo: Path, tmp_path) -> None:
    job = added(queue, photo, strength=0.7, seed=3)
    finish(worker)
    done = queue.get(job.id)
    assert (done.state, done.results[0].name, done.results[0].kind) == ("done", "fox-fade.png", "picture")
    assert (done.results[0].width, done.results[0].height) == (32, 24)
    run = open_run(FADE, FADE.config(strength=0.7, seed=3), Given(photo), Session())
    execute(run, tmp_path / "own.png", Nobody())
    made = queue.home.result(job.id) / "fox-fade.png"
    assert made.read_bytes() == (tmp_path / "own.png").read_bytes()
    assert "toy" in (queue.home.job(job.id) / "log.txt").read_text()
    left = sorted(p.name for p in queue.home.job(job.id).iterdir())
    assert left == ["curves.json", "log.txt"]


def test_a_paused_job_lets_others_go_ahead_and_ends_with_the_same_bytes(queue: Queue, worker: Worker, photo) -> None:
    slow, plain = added(queue, photo, seed=1), added(queue, photo, seed=1)
    worker.turn()
    queue.wish(slow.id, "pause")
    finish(worker)
    assert (queue.get(slow.id).state, queue.get(plain.id).state) == ("paused", "done")
    queue.wish(slow.id, "")
    finish(worker)
    one, other = (queue.get(job.id).results[0].sha256 for job in (slow, plain))
    assert one == other


def test_a_stopped_job_is_kept_and_its_replay_has_the_same_bytes(queue: Queue, worker: Worker, photo: Path) -> None:
    job = added(queue, photo)
    for _ in range(5):  # opened, and four steps
        worker.turn()
    queue.wish(job.id, "stop")
    finish(worker)
    kept = queue.get(job.id)
    assert kept.state == "stopped"
    record = stored_record(queue.home.result(job.id) / kept.results[0].name)
    assert record["stopped_at_step"] == 4
    files = FileStore(queue.home, queue.database)
    accepted = accept(record, find_tool, files)
    again = queue.add(accepted.record, suffix=".png", compare=kept.results[0].id)
    finish(worker)
    assert queue.get(again.id).results[0].sha256 == kept.results[0].sha256
    assert queue.get(again.id).text.endswith("the bytes are the same")


def test_what_is_steered_is_recorded(queue: Queue, worker: Worker, photo: Path) -> None:
    job = added(queue, photo)
    worker.turn()
    worker.turn()
    queue.steer(job.id, "strength", 0.9)
    finish(worker)
    record = stored_record(queue.home.result(job.id) / "fox-fade.png")
    assert record["steering"] == [[2, {"strength": 0.9}]]


def test_a_job_that_cannot_be_done_fails_in_one_line_and_the_next_goes_on(queue: Queue, worker: Worker, photo) -> None:
    broken = added(queue, photo, strength=0.5)
    with queue.database.writing() as db:
        db.execute("UPDATE jobs SET record = replace(record, '0.5', '7') WHERE id = ?", (broken.id,))
    fine = added(queue, photo)
    finish(worker)
    assert queue.get(broken.id).state == "failed"
    assert "at most 1" in queue.get(broken.id).text
    assert "/" not in queue.get(broken.id).text
    assert queue.get(fine.id).state == "done"


def test_previews_are_drawn_only_while_somebody_looks(queue: Queue, worker: Worker, photo: Path) -> None:
    job = added(queue, photo)
    folder = queue.home.job(job.id)
    worker.turn()
    worker.turn()
    assert not (folder / "preview.jpg").exists()
    assert progress_of(folder)["done"] == 1  # type: ignore[index]
    look(folder)
    worker.turn()
    with Image.open(folder / "preview.jpg") as preview:
        assert preview.size == (32, 24)
    queue.wish(job.id, "cancel")
    finish(worker)
    assert queue.get(job.id).state == "cancelled"
    assert not (folder / "preview.jpg").exists()


def test_a_result_is_the_input_of_the_next_job(queue: Queue, worker: Worker, photo: Path) -> None:
    first = added(queue, photo)
    finish(worker)
    made = queue.get(first.id).results[0]
    files = FileStore(queue.home, queue.database)
    record = {"tool": "invert", "input": {"name": made.name, "sha256": made.sha256}}
    accepted = accept(record, find_tool, files)
    queue.add(accepted.record, suffix=".png", title=accepted.title)
    finish(worker)
    assert queue.all()[0].results[0].name == "fox-fade-invert.png"


def test_a_mask_goes_in_by_content_and_the_record_keeps_its_name(queue: Queue, worker: Worker, photo: Path) -> None:
    mask = photo.with_name("mine.png")
    Image.new("L", (32, 24), 0).save(mask)
    files = FileStore(queue.home, queue.database)
    items = {name: files.adopt(path).sha256 for name, path in (("fox.png", photo), ("mine.png", mask))}
    record = {
        "tool": "fade", "config": {"mask": "mine.png", "color": "white"},
        "input": {"name": "fox.png", "sha256": items["fox.png"]},
        "files": {"mask": {"name": "mine.png", "sha256": items["mine.png"]}},
    }  # fmt: skip
    accepted = accept(record, find_tool, files)
    queue.add(accepted.record, suffix=".png")
    finish(worker)
    made = queue.all()[0].results[0]
    path = queue.home.result(made.job) / made.name
    assert stored_record(path)["config"]["mask"] == "mine.png"  # type: ignore[index]
    change = np.abs(np.asarray(Image.open(path)).astype(int) - np.asarray(Image.open(photo)))
    assert change.mean() < 1.5  # nothing but the grain


@pytest.mark.parametrize(("said", "shown"), [
    ("no file at '/opt/ab/x.png'; try /home/me/y.png", "no file at 'x.png'; try y.png"),
    ("'C:\\Users\\me\\a.png' is gone", "'a.png' is gone"), ("768 x 512 px, 12 steps/s", "768 x 512 px, 12 steps/s"),
    ("see https://example.org/a/b.html", "see https://example.org/a/b.html"), ("octave 2/4", "octave 2/4"),
])  # fmt: skip
def test_lines_for_others_hold_no_places(said: str, shown: str) -> None:
    assert without_places(said) == shown


@pytest.mark.slow
def test_a_killed_worker_is_followed_by_another_that_ends_its_job(queue: Queue, photo: Path) -> None:
    import os
    import signal
    import time

    from reverie.jobs.queue.keeper import Keeper

    job = added(queue, photo, steps=20, pause_s=0.1)
    quick = added(queue, photo)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with Keeper(queue, "toy_registry") as keeper:
        deadline = time.monotonic() + 60
        while (progress_of(queue.home.job(job.id)) or {}).get("done", 0) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(keeper.children[0][0].pid, signal.SIGKILL)
        while queue.get(quick.id).state != "done" and time.monotonic() < deadline:
            time.sleep(0.1)
    assert [(queue.get(key.id).state, queue.get(key.id).attempts) for key in (job, quick)] == [("done", 2), ("done", 1)]
    assert len(queue.get(job.id).results) == 1


class Freed:
    """A machine whose second core is free only after the first look."""

    def __init__(self, most: int) -> None:
        self.found = [1, 2]

    def threads(self, now: int) -> tuple[int, float]:
        return self.found.pop(0), 0.0


def test_each_job_begins_with_the_cores_that_are_free_then(
    queue: Queue, worker: Worker, photo: Path, monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None]
) -> None:
    monkeypatch.setattr("reverie.jobs.queue.worker.Machine", Freed)
    monkeypatch.setattr("reverie.jobs.queue.worker.LEAST_LOOK_S", 0.0)
    jobs = [added(queue, photo, seed=seed) for seed in (1, 2)]
    worker.serve(lambda: all(queue.get(job.id).state == "done" for job in jobs))
    made = [stored_record(queue.home.result(job.id) / "fox-fade.png")["machine"]["threads"] for job in jobs]
    assert made == [1, 2]
