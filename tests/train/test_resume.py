"""A run that was interrupted and resumed ends with the weights of one that was not."""

from __future__ import annotations

import os
import signal
import threading

import pytest
import torch
from trained import train_classifier

from reverie.errors import DataError, InputError, WeightsError
from reverie.train import trainer as loop
from reverie.train.interrupt import deferred_interrupt
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.weights.checkpoint import load_description


@pytest.fixture(autouse=True)
def checkpoints_stay():
    """Keep the checkpoint of a finished run, whose weights are compared here in full precision."""
    with pytest.MonkeyPatch.context() as patch:  # its own, which no test undoes
        patch.setattr(RunFolder, "finish", lambda _run: None)
        yield


DEMANDING = {
    "plain": {},
    "everything random": {"noise": 0.1, "blur": 0.3, "dropout": 0.5, "robust": 0.3, "robust_steps": 2},
    "growing pictures": {"progressive": True, "class_weights": True},
}


def weights(run) -> dict[str, torch.Tensor]:
    saved = torch.load(run / "checkpoint.pt", weights_only=True)
    return saved["net"] | {f"average.{n}": v for n, v in saved["average"].items()}


def assert_same(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert [n for n in first if not torch.equal(first[n], second[n])] == []


def stop_at(data, output, config, step: int, phase: str = "train") -> None:
    steps = train_classifier(data, output, config)
    for moment in steps:
        if moment.phase == phase and moment.step >= step:
            break
    steps.close()


@pytest.mark.slow
@pytest.mark.parametrize("extra", DEMANDING.values(), ids=DEMANDING)
def test_resumed_equals_uninterrupted(textures, quick, tmp_path, extra):
    config = quick(epochs=3.0, **extra)
    list(train_classifier(textures, tmp_path / "whole", config))
    stop_at(textures, tmp_path / "parts", config, step=4)  # in the middle of the first epoch
    torch.rand(3)  # the caller's randomness is no part of the run
    stop_at(textures, tmp_path / "parts", config, step=11)
    stop_at(textures, tmp_path / "parts", config, step=12, phase="epoch")
    list(train_classifier(textures, tmp_path / "parts", config))
    assert_same(tmp_path / "whole", tmp_path / "parts")
    epochs = [line for line in (tmp_path / "parts" / "metrics.jsonl").read_text().splitlines() if '"epoch",' in line]
    assert len(epochs) == 3


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_step_waits_for_its_end(textures, quick, tmp_path, monkeypatch):
    config = quick(epochs=2.0)
    list(train_classifier(textures, tmp_path / "whole", config))
    plain = loop.Learner.update

    def pressed(self, batch, loss, lr, step):
        if step == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(self, batch, loss, lr, step)

    monkeypatch.setattr(loop.Learner, "update", pressed)
    with pytest.raises(KeyboardInterrupt):
        list(train_classifier(textures, tmp_path / "parts", config))
    monkeypatch.undo()
    assert torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["step"] == 6
    list(train_classifier(textures, tmp_path / "parts", config))
    assert_same(tmp_path / "whole", tmp_path / "parts")


def test_an_error_does_not_overwrite_the_checkpoint(textures, quick, tmp_path, monkeypatch):
    config = quick(epochs=2.0)
    stop_at(textures, tmp_path / "run", config, step=3)
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()

    def broken(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(loop.Learner, "update", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(train_classifier(textures, tmp_path / "run", config))
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before


@pytest.mark.slow
def test_a_run_stopped_during_its_report_resumes_to_the_same_file(textures, quick, tmp_path):
    config = quick(epochs=0.5)
    first = list(train_classifier(textures, tmp_path / "run", config, report=True))[-1].output.read_bytes()
    again = list(train_classifier(textures, tmp_path / "run", config, report=True))
    assert {s.phase for s in again[:-1]} == {"load"} and again[-1].phase == "done"
    assert again[-1].output.read_bytes() == first


@pytest.mark.slow
def test_a_pack_is_reused(textures, quick, tmp_path, monkeypatch):
    stop_at(textures, tmp_path / "run", quick(), step=2)
    assert (tmp_path / "run" / "pack-train.u8").is_file()

    def refuse(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr("reverie.data.pack.read_square", refuse)
    list(train_classifier(textures, tmp_path / "run", quick()))
    assert not list((tmp_path / "run").glob("pack-*"))


def test_resume_refuses_other_settings_and_other_data(textures, make_textures, quick, tmp_path):
    stop_at(textures, tmp_path / "run", quick(), step=2)
    with pytest.raises(InputError, match=r"--lr is 0.3, but the run being resumed has 0.2"):
        list(train_classifier(textures, tmp_path / "run", quick(lr=0.3)))
    other = make_textures(tmp_path / "other", {"dots": 12, "stripes": 12})
    with pytest.raises(DataError, match="pictures changed"):
        list(train_classifier(other, tmp_path / "run", quick()))


def test_a_damaged_checkpoint_is_said_in_one_line(textures, quick, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"half of it")
    with pytest.raises(WeightsError, match="damaged"):
        list(train_classifier(textures, tmp_path / "run", quick()))


def test_private_random_repeats_and_restores():
    cpu = torch.device("cpu")
    before = torch.get_rng_state()
    with private_random(cpu, 3):
        first = torch.rand(4)
    with pytest.raises(ValueError, match="x"), private_random(cpu, 3):
        assert torch.equal(torch.rand(4), first)
        raise ValueError("x")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_a_deferred_interrupt_is_not_lost_where_the_block_raises():
    reached = []

    def work():
        with deferred_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("the end")
            raise StopIteration

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_deferred_interrupt_outside_the_main_thread_does_nothing():
    seen = []

    def work():
        with deferred_interrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


@pytest.mark.slow
def test_fine_tuning_resumes_without_its_first_weights(textures, quick, tmp_path, last):
    first = last(train_classifier(textures, tmp_path / "first", quick(epochs=0.3))).output
    config = quick(epochs=1.0, init=str(first), seed=4)
    whole = last(train_classifier(textures, tmp_path / "whole", config)).output
    stop_at(textures, tmp_path / "parts", config, step=3)
    first.unlink()
    named = quick(epochs=1.0, init=first.name, seed=4)  # as settings.json has it
    parts = last(train_classifier(textures, tmp_path / "parts", named)).output
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert load_description(whole).mean == load_description(parts).mean
