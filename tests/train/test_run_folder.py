"""Folders of runs: nobody else's files are touched, one training at a time, nothing half written stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from reverie.errors import InputError, WeightsError
from reverie.train.counters import Counters
from reverie.train.run_folder import RunFolder


@pytest.mark.parametrize("name", ["settings.json", "metrics.jsonl", "metrics.csv", "broken.txt"])
def test_files_of_others_are_neither_replaced_nor_removed(tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="was not made by a training"), RunFolder(tmp_path).claimed():
        pass
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


def test_a_failure_removes_what_it_wrote_and_nothing_else(tmp_path: Path):
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    run = RunFolder(folder)
    with pytest.raises(ValueError, match="x"), run.claimed():
        run.write_settings({"lr": 1})
        run.log({"step": 1})
        run.name_broken(("a.png",))
        raise ValueError("x")
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]


def test_a_folder_that_was_made_goes_again(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path / "runs" / "a").claimed():
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_two_trainings_do_not_share_a_folder(tmp_path: Path):
    pytest.importorskip("fcntl")
    with RunFolder(tmp_path).claimed():
        with pytest.raises(InputError, match="another training is writing into"), RunFolder(tmp_path).claimed():
            pass
        with RunFolder(tmp_path).claimed(alone=False):  # a further process of the same training
            pass
    with RunFolder(tmp_path).claimed():
        pass


def test_halves_of_a_killed_training_are_removed_and_no_others(tmp_path: Path):
    for name in (".checkpoint.pt.x1.part", ".best.pt.y2.part", ".photo.png.z.part"):
        (tmp_path / name).touch()
    with RunFolder(tmp_path).claimed():
        pass
    assert [p.name for p in tmp_path.iterdir()] == [".photo.png.z.part"]


def test_what_a_killed_run_left_is_ours_and_begun_anew(tmp_path: Path):
    run = RunFolder(tmp_path)
    run.write_settings({"lr": 1})
    run.log({"step": 1})
    with RunFolder(tmp_path).claimed():
        pass
    assert "reverie" in json.loads((tmp_path / "settings.json").read_text())


@pytest.mark.parametrize(
    "saved",
    [[1], {"config": 3}, {"config": {}}, {"config": {}, "data_digest": 7}, "text"],
)
def test_a_checkpoint_of_another_kind_is_one_line(tmp_path: Path, saved: object):
    torch.save(saved, tmp_path / "checkpoint.pt")
    with pytest.raises(WeightsError) as error:
        RunFolder(tmp_path).load_checkpoint()
    assert "\n" not in str(error.value)


def test_entries_of_another_kind_are_one_line(tmp_path: Path):
    run = RunFolder(tmp_path)
    for saved in ({"step": "many"}, {"best": []}, {"epoch": None}):
        with pytest.raises(WeightsError, match="does not fit this training"), run.restoring():
            Counters.restored(saved)
    with pytest.raises(WeightsError, match="KeyError"), run.restoring():
        raise KeyError("net")
    (tmp_path / "metrics.jsonl").write_text('[1]\n{"step": "x"}\n{"step": 3}\nbroken\n')
    assert run.records() == [{"step": 3}]


def test_finishing_leaves_what_is_kept(tmp_path: Path):
    for kept in (True, False):
        run = RunFolder(tmp_path / str(kept), kept=kept)
        with run.claimed():
            run.write_settings({})
            run.save_checkpoint({"config": {}, "data_digest": ""})
            run.save_best({"x": torch.zeros(1)})
            run.finish()
    assert [p.name for p in (tmp_path / "True").iterdir()] == ["settings.json"]
    assert not (tmp_path / "False").exists()
