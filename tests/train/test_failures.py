"""Runs that fail: before the pictures are read if that can be, with one clear line, and with nothing left behind."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from trained import train_classifier

from reverie.errors import DataError, GradientError, InputError, LayerError, OutputError, WeightsError
from reverie.train import trainer as loop
from reverie.train.divergence import HUGE, STEPS, Divergence
from reverie.train.run_folder import RunFolder
from reverie.weights.checkpoint import load_model


def files(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def unread(monkeypatch):
    """Fail a test that decodes a picture."""

    def refuse(*_):
        raise AssertionError("a picture was read")

    monkeypatch.setattr("reverie.data.pack.read_square", refuse)


BAD_SETTINGS = {
    "out of range": ({"lr": -1.0}, InputError, "--lr"),
    "no such layer": ({"freeze_to": "conv3_x"}, LayerError, "conv3_1"),
    "all frozen": ({"freeze_to": "logits"}, InputError, "leaves nothing to train"),
    "no such start": ({"init": "gone.safetensors"}, WeightsError, "gone.safetensors"),
    "another start": ({"architecture": "rep", "init": "embedded"}, InputError, "--architecture inception"),
    "not fetched": ({"architecture": "resnet18", "init": "pretrained"}, WeightsError, "models fetch resnet18"),
    "no such device": ({"device": "cuda:99"}, InputError, "cuda:99"),
    "no such validation": ({"val": "gone"}, DataError, "gone"),
    "patience alone": ({"patience": 2, "val_share": 0.0}, InputError, "--patience"),
    "pictures too small": ({"architecture": "vgg16", "input_px": 16}, InputError, "at least 32"),
    "pictures too small at first": (
        {"architecture": "vgg16", "input_px": 40, "progressive": True}, InputError, "begins with 24 px",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_SETTINGS)
def test_bad_settings_are_refused_before_a_picture_is_read(textures, quick, tmp_path, monkeypatch, unread, kind):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "cache"))
    settings, error, words = BAD_SETTINGS[kind]
    with pytest.raises(error, match=words):
        list(train_classifier(textures, tmp_path / "runs" / "mine", quick(**settings)))
    assert files(tmp_path) == set()


def test_other_pictures_are_noticed_before_they_are_read(textures, make_textures, quick, tmp_path, unread):
    other = make_textures(tmp_path / "other", {"dots": 6, "stripes": 6})
    (tmp_path / "run").mkdir()
    checkpoint = {"config": {}, "data_digest": "that of the others"}
    torch.save(checkpoint, tmp_path / "run" / "checkpoint.pt")
    with pytest.raises(DataError, match="pictures changed"):
        list(train_classifier(other, tmp_path / "run", quick()))
    assert files(tmp_path / "run") == {"checkpoint.pt"}


def test_unreadable_data_leaves_no_folder(make_textures, quick, tmp_path):
    data = make_textures(tmp_path / "data", {"dots": 3, "stripes": 3})
    for path in data.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of the"):
        list(train_classifier(data, tmp_path / "runs" / "mine", quick()))
    assert files(tmp_path) == {"data"}


@pytest.mark.slow
def test_a_broken_picture_in_both_splits_is_named_once(make_textures, quick, tmp_path):
    data = make_textures(tmp_path / "data", {"dots": 8, "stripes": 8})
    for name in ("dots/001.png", "stripes/002.png"):
        (data / name).write_bytes(b"")
    steps = list(train_classifier(data, tmp_path / "run", quick(epochs=0.5, val=str(data))))
    assert "left out 2 unreadable pictures" in next(s.message for s in steps if "to learn" in s.message)
    assert (tmp_path / "run" / "broken.txt").read_text().split() == ["dots/001.png", "stripes/002.png"]
    other = make_textures(tmp_path / "other", {"dots": 3, "stripes": 3})
    (other / "dots" / "001.png").write_bytes(b"")
    list(train_classifier(data, tmp_path / "second", quick(epochs=0.5, val=str(other))))
    named = (tmp_path / "second" / "broken.txt").read_text().split()
    assert named == ["dots/001.png", "other/dots/001.png", "stripes/002.png"]


def test_a_folder_that_was_there_stays_with_what_is_in_it(make_textures, quick, tmp_path):
    data = make_textures(tmp_path / "data", {"dots": 3, "stripes": 3})
    for path in data.rglob("*.png"):
        path.write_bytes(b"")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(DataError):
        list(train_classifier(data, tmp_path / "run", quick()))
    assert files(tmp_path / "run") == {"notes.txt"}


@pytest.mark.parametrize("how", ["closed", "Ctrl-C"])
def test_stopping_while_pictures_are_read_leaves_nothing(textures, quick, tmp_path, monkeypatch, how):
    monkeypatch.setattr("reverie.train.dataset.TELL_EVERY", 5)
    steps = train_classifier(textures, tmp_path / "run", quick())
    assert next(s for s in steps if s.progress > 0).phase == "load"
    assert (tmp_path / "run" / "pack-train.u8").is_file()
    if how == "closed":
        steps.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            steps.throw(KeyboardInterrupt())
    assert files(tmp_path) == set()


@pytest.mark.slow
def test_an_error_after_a_checkpoint_keeps_it_and_no_pack(textures, quick, tmp_path, monkeypatch):
    def full(*_):
        raise OutputError("no space left")

    steps = train_classifier(textures, tmp_path / "run", quick(epochs=2.0))
    for step in steps:
        if step.phase == "epoch":
            monkeypatch.setattr(RunFolder, "save_checkpoint", full)
            with pytest.raises(OutputError):
                list(steps)
    assert "checkpoint.pt" in files(tmp_path / "run")
    assert not list((tmp_path / "run").glob("pack-*"))


# -- divergence --------------------------------------------------------------------------------------------------------


def diverging(textures, quick, output, **settings) -> str:
    with pytest.raises(GradientError) as error:
        list(train_classifier(textures, output, quick(**settings)))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_huge_learning_rate_is_noticed(textures, quick, tmp_path):
    message = diverging(textures, quick, tmp_path / "run", lr=1000.0, epochs=6.0)
    assert message.startswith("training diverged: the loss is ")
    assert message.endswith("start again with a --lr smaller than 1000")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_keeps_the_checkpoint_from_before(textures, quick, tmp_path, monkeypatch, loss):
    plain = loop.Learner.update

    def update(self, batch, criterion, lr, step):
        return loss if step == 8 else plain(self, batch, criterion, lr, step)

    monkeypatch.setattr(loop.Learner, "update", update)
    message = diverging(textures, quick, tmp_path / "run", epochs=3.0)
    assert f"the loss is {loss} at step 8" in message
    assert message.endswith(f"the checkpoint from before stays in '{tmp_path / 'run'}'")
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 6
    assert all(v.isfinite().all() for v in saved["net"].values())
    assert files(tmp_path / "run") == {"checkpoint.pt", "settings.json", "metrics.jsonl"}


def test_a_validation_that_is_no_number_is_divergence_too(textures, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "quick_scores", lambda *_: {"top1": 0.3, "val_loss": float("nan")})
    assert "the validation loss is nan at step 6" in diverging(textures, quick, tmp_path / "run", epochs=2.0)


def test_losses_of_a_run_that_learns_are_no_divergence():
    watch = Divergence(10)
    limit = HUGE * torch.tensor(10.0).log().item()
    for step, loss in enumerate([2.3, 6.9, limit * 1.01, 2.1, *[limit * 2] * (STEPS - 1), 2.0, 0.0]):
        watch.check_step(loss, step, 0.2)
    watch.check_epoch(limit * 3, 2.0, 30, 0.2)  # a bad batch long ago is forgiven
    for _ in range(STEPS - 1):
        watch.check_step(limit * 1.5, 40, 0.2)
    assert watch.suspected
    with pytest.raises(GradientError, match="at step 41"):
        watch.check_step(limit * 1.5, 41, 0.2)


# -- the end -----------------------------------------------------------------------------------------------------------


def test_a_finished_run_keeps_no_checkpoint(textures, quick, tmp_path, last):
    done = last(train_classifier(textures, tmp_path / "run", quick(epochs=0.5, patience=3)))
    assert not {"checkpoint.pt", "best.pt"} & files(tmp_path / "run")
    assert done.metrics == pytest.approx(load_model(done.output)[1].metrics, abs=1e-5)


@pytest.mark.slow
def test_the_last_epoch_of_a_run_that_ends_within_it_has_a_number_of_its_own(textures, quick, tmp_path):
    steps = list(train_classifier(textures, tmp_path / "run", quick(epochs=2.5)))
    assert [s.epoch for s in steps if s.phase == "epoch"] == [1, 2, 3]
    again = list(train_classifier(textures, tmp_path / "timed", quick(minutes=2.0 / 60)))
    numbers = [s.epoch for s in again if s.phase == "epoch"]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_new_run_does_not_continue_the_log_of_a_failed_one(textures, quick, tmp_path, last):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_text('{"phase": "epoch", "step": 99, "epoch": 99}\n')
    (tmp_path / "run" / "settings.json").write_text('{"reverie": "1", "epochs": 9}')
    last(train_classifier(textures, tmp_path / "run", quick(epochs=1.0)))
    assert '"step": 99' not in (tmp_path / "run" / "metrics.jsonl").read_text()
    assert len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) == 2


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_while_decoding_reaches_the_caller(textures, quick, tmp_path, monkeypatch):
    from reverie.media import image

    once = iter([None])  # several threads decode: a second one would press into the next test

    def pressed(*arguments):
        if next(once, "over") is None:
            os.kill(os.getpid(), signal.SIGINT)
        return image.read_square(*arguments)

    monkeypatch.setattr("reverie.data.pack.read_square", pressed)
    with pytest.raises(KeyboardInterrupt):
        list(train_classifier(textures, tmp_path / "run", quick()))
    assert files(tmp_path) == set()
