"""What `--executor` takes, and items through submitit's own local executor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from batch_case import Opener

from reverie.cluster.executors import open_executor, wanted_executor
from reverie.errors import InputError, ReverieError
from reverie.jobs.batch import Item, Outcome


def test_an_engine_is_named_with_its_address_or_parameters():
    assert wanted_executor("local").engine == "local"
    assert wanted_executor("ray://head:10001").address == "ray://head:10001"
    assert wanted_executor("slurm:partition=gpu,timeout_min=5").parameters == (
        ("partition", "gpu"),
        ("timeout_min", "5"),
    )
    for text in ("ray://", "rey", "slurm:gpu", "local:x", ""):
        with pytest.raises(InputError):
            wanted_executor(text)
    assert open_executor("local", lambda name: None) is None


def test_without_slurm_one_sentence_says_so(monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="no Slurm on this machine"):
        open_executor("slurm", lambda name: None)


@pytest.fixture
def slurm(monkeypatch):
    pytest.importorskip("submitit")
    paths = [str(Path(__file__).parents[1] / "jobs"), str(Path(__file__).parents[2] / "src")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return lambda workers: open_executor("slurm:cluster=local", lambda name: None, workers)


def outcomes(executor, folder: Path, kinds: list[str], opener: Opener) -> dict[str, Outcome]:
    jobs = [Item(f"job{i}", None, folder / f"{i}.txt", kind) for i, kind in enumerate(kinds)]
    found = [event for event in executor.run(jobs, opener) if isinstance(event, Outcome)]
    assert len(found) == len(jobs)
    return {outcome.job.name: outcome for outcome in found}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills processes by signal")
def test_tasks_do_their_shards_and_one_that_is_killed_is_sent_again(tmp_path, slurm):
    found = outcomes(slurm("2"), tmp_path, ["", "die once", "bad", "", ""], Opener(tmp_path))
    assert {name: (o.state, o.exit_code) for name, o in found.items()} == {
        "job0": ("done", 0), "job1": ("done", 0), "job2": ("failed", 2), "job3": ("done", 0), "job4": ("done", 0),
    }  # fmt: skip
    assert len(list(tmp_path.glob("opened-*"))) == 3
    assert not list(tmp_path.glob(".reverie*"))


@pytest.mark.slow
def test_a_task_that_cannot_open_ends_the_batch_with_its_own_words(tmp_path, slurm):
    with pytest.raises(ReverieError, match="no such network") as caught:
        outcomes(slurm("1"), tmp_path, ["", ""], Opener(tmp_path, InputError))
    assert caught.value.exit_code == 2


def test_what_is_applied_to_a_result_is_applied_to_one_from_an_executor(monkeypatch, tmp_path):
    """Such as the export of a training."""
    from toy_registry import FADE, find_tool

    from reverie.apps.cli import one
    from reverie.apps.cli.common_options import Common

    run_one, after = one.run_one, []
    monkeypatch.setattr("reverie.cluster.executors.open_executor", lambda *_: object())
    monkeypatch.setattr(one, "one_afar", lambda *_: 0)
    monkeypatch.setattr(one, "steps_after", lambda *_: [("export", "settings", tmp_path / "x.onnx")])
    monkeypatch.setattr(one, "run_one", lambda *given: after.append((given[0], given[-1].output)) or 0)
    assert run_one(FADE, find_tool, FADE.config(), None, Common(output=str(tmp_path / "a.png"), executor="ray")) == 0
    assert after == [("export", str(tmp_path / "x.onnx"))]


def test_marks_of_commands_that_are_no_more_are_removed(tmp_path):
    import subprocess

    from reverie.cluster.shared import marked

    item = Item("a", None, tmp_path / "a.txt", None)
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    (own,) = {marked([item])}
    left = own.with_name(own.name.replace(str(os.getpid()), str(over.pid), 1))
    left.touch()
    also = marked([item])
    assert {path.name for path in tmp_path.iterdir()} == {own.name, also.name}
