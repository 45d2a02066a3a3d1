"""Trackers are opened when installed or asked for, and get every number of the log."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from PIL import Image

from reverie.apps.cli.main import main
from reverie.errors import InputError
from reverie.train import track
from reverie.train.records import Records
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.train.track import open_trackers


class Recorder:
    def __init__(self):
        self.seen, self.closed = [], False

    def log(self, scalars, step):
        self.seen.append((step, scalars))

    def close(self):
        self.closed = True


@pytest.fixture
def installed(monkeypatch):
    """Choose which packages are installed."""
    names: set[str] = set()
    monkeypatch.setattr(track, "_installed", lambda package: package in names)
    return names


def test_nothing_installed_is_fine_until_it_is_asked_for(installed, tmp_path):
    assert open_trackers("", tmp_path, {}, 0) == ()
    for name in ("wandb", "tensorboard"):
        with pytest.raises(InputError, match=r"pip install 'reverie\[track\]'"):
            open_trackers(name, tmp_path, {}, 0)


def test_tensorboard_is_used_where_it_is_installed(installed, tmp_path, monkeypatch):
    installed.add("tensorboard")
    written = []
    writer = SimpleNamespace(add_scalar=lambda *scalar: written.append(scalar), close=lambda: written.append("closed"))
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = lambda folder, purge_step: written.append((folder, purge_step)) or writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    (tracker,) = open_trackers("", tmp_path, {}, 7)
    tracker.log({"training/loss": 0.5}, 8)
    tracker.close()
    assert written == [(str(tmp_path / "tensorboard"), 8), ("training/loss", 0.5, 8), "closed"]


@pytest.mark.slow
def test_what_tensorboard_reads_is_there_after_a_translator_has_learned(installed, tmp_path, monkeypatch, make_photo):
    installed.add("tensorboard")

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            self.events, self.closed = Path(folder) / "events", False
            self.events.parent.mkdir()

        def add_scalar(self, name: str, value: float, step: int) -> None:
            assert not self.closed
            self.events.write_text(f"{step} {name} {value}")

        def close(self) -> None:
            self.closed = True

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    for seed in range(2):
        rgb = make_photo(40, 40, seed)[0].permute(1, 2, 0).numpy()
        Image.fromarray((rgb * 255).astype("uint8")).save(tmp_path / f"{seed}.png")
    how = ["--steps", "20", "--crop-px", "16", "--width", "4", "--depth", "1", "--batch", "1", "--device", "cpu"]
    target = ["--track", "tensorboard", "-o", str(tmp_path / "m.safetensors")]
    assert main(["train", "translate", str(tmp_path), *how, *target]) == 0
    assert (tmp_path / "m.run" / "tensorboard" / "events").read_text().startswith("20 epoch/")
    assert not (tmp_path / "m.run" / "checkpoint.pt").exists()


def test_wandb_continues_the_same_run(installed, tmp_path, monkeypatch):
    installed.add("wandb")
    opened = []
    module = ModuleType("wandb")
    module.init = lambda **settings: opened.append(settings)
    monkeypatch.setitem(sys.modules, "wandb", module)
    for _ in range(2):
        open_trackers("wandb", tmp_path, {"lr": 0.1}, 0)
    assert opened[0]["id"] == opened[1]["id"]
    assert opened[0]["config"] == {"lr": 0.1}
    assert opened[0]["resume"] == "allow"


def test_wandb_is_never_opened_unasked(installed, tmp_path, monkeypatch):
    installed.add("wandb")
    monkeypatch.setitem(sys.modules, "wandb", None)  # an import would fail
    assert open_trackers("", tmp_path, {}, 0) == ()


def test_records_go_to_the_log_and_to_trackers(tmp_path):
    run, recorder = RunFolder(tmp_path), Recorder()
    records = Records(run, (recorder,))
    records.log(TrainStep("train", step=20, loss=1.5, lr=0.1), 3.0)
    records.log(TrainStep("epoch", step=24, metrics={"top1": 0.5}), 4.0)
    records.close()
    assert [r["step"] for r in run.records()] == [20, 24]
    assert recorder.seen[0][1]["training/loss"] == 1.5
    assert recorder.seen[1] == (24, {"validation/top1": 0.5})
    assert recorder.closed


def test_a_number_that_is_none_is_left_out(tmp_path):
    run = RunFolder(tmp_path)
    Records(run, ()).log(TrainStep("epoch", step=1, metrics={"top1": 1.0}), 0.0)
    assert "NaN" not in run.metrics.read_text()


def test_a_line_cut_short_does_not_stop_a_resume(tmp_path):
    run = RunFolder(tmp_path)
    run.metrics.write_text('{"phase": "epoch", "step": 3}\n{"phase": "epoch", "step": 9}\n{"phase": "tr')
    run.truncate_log(5)
    assert run.records() == [{"phase": "epoch", "step": 3}]
