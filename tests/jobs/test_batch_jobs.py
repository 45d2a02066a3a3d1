"""Many jobs over worker processes: every job gets its outcome, whatever happens to single ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from batch_case import Opener

from reverie.errors import InputError, ReverieError
from reverie.jobs.batch import Item, Moment, Outcome, run_jobs

posix = pytest.mark.skipif(sys.platform == "win32", reason="kills processes by signal")


def jobs_of(folder: Path, kinds: list[str]) -> list[Item]:
    return [Item(f"job{i}", None, folder / f"{i}.txt", kind) for i, kind in enumerate(kinds)]


def outcomes(jobs: list[Item], opener: Opener, workers: int, here: bool = False) -> dict[str, Outcome]:
    events = list(run_jobs(jobs, [opener] * workers, here=here))
    found = [e for e in events if isinstance(e, Outcome)]
    assert len(found) == len({o.job.name for o in found})  # nobody's outcome comes twice
    return {o.job.name: o for o in found}


@pytest.mark.parametrize(("workers", "here"), [(2, False), (1, True)])
def test_one_bad_job_stops_no_other_and_says_why(tmp_path, workers, here):
    jobs = jobs_of(tmp_path, ["", "bad", "", "full", "bug", "", ""])
    found = outcomes(jobs, Opener(tmp_path), workers, here)
    assert {n: (o.state, o.exit_code) for n, o in found.items()} == {
        "job0": ("done", 0), "job1": ("failed", 2), "job2": ("done", 0), "job3": ("failed", 1),
        "job4": ("failed", 1), "job5": ("done", 0), "job6": ("done", 0),
    }  # fmt: skip
    assert found["job0"].message == "made job0"
    assert found["job1"].message == "'job1' is bad"
    assert found["job4"].message == "unexpected ZeroDivisionError: division by zero"
    assert all(o.seconds >= 0 for o in found.values())


def test_every_worker_opens_once_and_all_of_them_work(tmp_path):
    jobs = jobs_of(tmp_path, ["sleep"] * 6)
    assert len(outcomes(jobs, Opener(tmp_path), 2)) == 6
    opened = {p.name.removeprefix("opened-") for p in tmp_path.glob("opened-*")}
    worked = {job.target.read_text().split()[0] for job in jobs}
    assert len(opened) == 2
    assert worked == opened


def test_there_are_never_more_workers_than_jobs(tmp_path):
    outcomes(jobs_of(tmp_path, [""]), Opener(tmp_path), 3)
    assert len(list(tmp_path.glob("opened-*"))) == 1
    assert list(run_jobs([], [Opener(tmp_path, InputError)])) == []  # nothing to do: nothing is opened


def test_moments_say_which_job_and_how_far(tmp_path):
    jobs = jobs_of(tmp_path, [""])
    events = list(run_jobs(jobs, [Opener(tmp_path)], here=True))
    assert isinstance(events[0], Moment)
    assert (events[0].job, events[0].share, events[0].note) == (jobs[0], 0.5, "half")


@posix
def test_a_killed_workers_job_is_tried_again_in_a_fresh_process(tmp_path):
    found = outcomes(jobs_of(tmp_path, ["die once", "", "", ""]), Opener(tmp_path), 2)
    assert {o.state for o in found.values()} == {"done"}
    assert len(list(tmp_path.glob("opened-*"))) == 3


@posix
def test_a_job_that_kills_its_worker_twice_has_failed_and_the_others_go_on(tmp_path):
    found = outcomes(jobs_of(tmp_path, ["die", "", "", "", ""]), Opener(tmp_path), 2)
    assert found["job0"].state == "failed"
    assert found["job0"].exit_code == 1
    assert "signal 9" in found["job0"].message
    assert {o.state for n, o in found.items() if n != "job0"} == {"done"}


@posix
def test_workers_that_all_die_end_the_batch(tmp_path):
    with pytest.raises(ReverieError, match="keep ending"):
        outcomes(jobs_of(tmp_path, ["die"] * 8), Opener(tmp_path), 2)


@pytest.mark.parametrize("here", [True, False])
def test_an_opener_that_fails_ends_the_batch_with_its_own_words(tmp_path, here):
    with pytest.raises(ReverieError, match="no such network") as caught:
        outcomes(jobs_of(tmp_path, ["", ""]), Opener(tmp_path, InputError), 2, here)
    assert caught.value.exit_code == 2


@posix
def test_closing_the_generator_stops_the_workers_and_lets_them_clean_up(tmp_path):
    jobs = jobs_of(tmp_path, ["forever", "forever"])
    events = run_jobs(jobs, [Opener(tmp_path)] * 2)
    assert {next(events).job, next(events).job} == set(jobs)
    begun = [job.target.with_suffix(".begun") for job in jobs]
    while not all(p.exists() and p.read_text() for p in begun):
        time.sleep(0.02)
    events.close()
    assert not any(psutil.pid_exists(int(p.read_text())) for p in begun)
    assert all(job.target.with_suffix(".cleaned").exists() for job in jobs)
    assert not any(job.target.exists() for job in jobs)


ABANDONED = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[2])
from batch_case import SlowOpener
from reverie.jobs.batch import Item, run_jobs

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    items = [Item(name, None, folder / f"{name}.txt", None) for name in "ab"]
    list(run_jobs(items, [SlowOpener(folder)] * 2))
"""


@posix
@pytest.mark.slow
def test_workers_whose_parent_is_killed_while_they_start_leave_at_once(tmp_path):
    (tmp_path / "run.py").write_text(ABANDONED)
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path), str(Path(__file__).parent)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    while len(opened := list(tmp_path.glob("opened-*"))) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    workers = [psutil.Process(int(path.name.removeprefix("opened-"))) for path in opened]
    process.kill()
    process.wait()
    assert not psutil.wait_procs(workers, timeout=10)[1]  # not the minute that opening takes
