"""Students of one style: that they learn, stop and go on, and what is refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from trained import distill

from reverie.apps.cli.main import main
from reverie.critic.open import open_critic
from reverie.critic.style_layers import style_layers
from reverie.errors import DataError, GradientError, InputError, PictureError, ReverieError
from reverie.tools.fast.model import fast_style, open_student
from reverie.train import distill as module
from reverie.train import image_loop
from reverie.train.distill_config import DistillConfig
from reverie.train.student_score import StudentScore

QUICK: dict[str, Any] = {
    "steps": 4, "batch": 2, "crop_px": 64, "width": 4, "blocks": 1, "style_size": 64, "precision": "fp32",
    "device": "cpu", "score": "gram",
}  # fmt: skip


@pytest.fixture(autouse=True)
def opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    critic = open_critic("embedded", device="cpu", precision="fp32")
    monkeypatch.setattr(module, "open_critic", lambda *_, **__: critic)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:70, 0:90] / 80
    stack = np.stack([np.sin(30 * x), np.sin(40 * y), np.sin(25 * (x + y))], -1)
    Image.fromarray((127 + 120 * stack).astype(np.uint8)).save(tmp_path / "waves.png")
    return tmp_path / "waves.png"


@pytest.fixture
def data(tmp_path: Path, make_textures: Callable[..., Path]) -> Path:
    return make_textures(tmp_path / "data", {"stripes": 4, "plain": 4}, px=80)


def config(**changes: Any) -> DistillConfig:
    return DistillConfig(**(QUICK | changes))


def stopped(style: Path, data: Path, output: Path, how: DistillConfig, at: int) -> None:
    steps = distill([(style, 1.0)], data, output, how)
    for moment in steps:
        if moment.phase == "train" and moment.step >= at:
            break
    steps.close()


@pytest.mark.slow
def test_the_loss_falls_and_the_student_paints(style: Path, data: Path, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    how = config(steps=14, lr=2e-2, ema=0.8)
    steps = list(distill([(style, 1.0)], data, tmp_path / "a.safetensors", how))
    losses = [s.loss for s in steps if s.phase == "train"]
    assert len(losses) == 14 and np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    assert steps[0].phase == "load" and steps[-1].phase == "done" and steps[-1].output == tmp_path / "a.safetensors"
    assert torch.equal(before, torch.get_rng_state())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.safetensors", "data", "waves.png"]
    model = open_student(tmp_path / "a.safetensors", device="cpu")
    assert model.strength == how.strength and not model.takes_styles
    assert model.about.data["styles"][0]["name"] == "waves.png" and str(tmp_path) not in str(model.about)
    picture = torch.rand(1, 3, 50, 70)
    assert fast_style(picture, model).shape == picture.shape


def test_a_batch_is_judged_as_its_pictures_are_alone(style: Path) -> None:
    critic = open_critic("embedded", device="cpu", precision="fp32")
    picture = torch.from_numpy(np.array(Image.open(style))).permute(2, 0, 1)[None].float() / 255
    score = StudentScore(critic, style_layers(critic, (), ()), [picture], [1.0], config())
    generator = torch.Generator().manual_seed(0)
    stylized, content = torch.rand(2, 2, 3, 64, 64, generator=generator)
    dial = torch.tensor([[1.0], [0.3]])
    together = score.losses(stylized, content, dial)
    alone = [score.losses(stylized[i : i + 1], content[i : i + 1], dial[i : i + 1]) for i in range(2)]
    for name, value in together.items():
        assert value.item() == pytest.approx(sum(a[name].item() for a in alone) / 2, rel=1e-4)
    same = score.losses(content, content, torch.tensor([[1.0], [1.0]]))
    assert same["style"].item() == pytest.approx(config().strength, rel=1e-3)
    assert same["content"].item() == pytest.approx(0, abs=1e-5)


@pytest.mark.slow
def test_resumed_equals_uninterrupted(style: Path, data: Path, tmp_path: Path) -> None:
    whole = list(distill([(style, 1.0)], data, tmp_path / "whole.safetensors", config()))
    parts = tmp_path / "parts.safetensors"
    stopped(style, data, parts, config(), 1)
    assert (tmp_path / "parts.run" / "checkpoint.pt").is_file() and not parts.exists()
    torch.rand(3)  # the caller's randomness is no part of the run
    stopped(style, data, parts, config(), 3)
    rest = list(distill([(style, 1.0)], data, parts, config()))
    assert [s.step for s in rest if s.phase == "train"] == [4]
    assert rest[-2].loss == whole[-2].loss
    found = [open_student(tmp_path / f"{n}.safetensors", device="cpu").net.state_dict() for n in ("whole", "parts")]
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())
    assert not (tmp_path / "parts.run").exists()


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_step_keeps_a_checkpoint_and_says_how_to_go_on(
    style: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items()]
    command = ["distill", str(style), str(data), "-o", str(tmp_path / "a.safetensors"), *options]
    update = image_loop.ImageLoop._update

    def pressed(self: image_loop.ImageLoop, lr: float) -> float:
        if self.step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return update(self, lr)

    with monkeypatch.context() as patch:
        patch.setattr(image_loop.ImageLoop, "_update", pressed)
        assert main(command) == 130
    handler = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    captured = capsys.readouterr()
    assert captured.out == "" and "stopped by Ctrl-C" in captured.err and "goes on from there" in captured.err
    assert handler is not None
    assert torch.load(tmp_path / "a.run" / "checkpoint.pt", weights_only=True)["step"] == 3
    assert main([*command, "--strength", "0.9"]) == 2
    assert "--strength is 0.9, but the run being resumed has 0.5" in capsys.readouterr().err
    assert main(command) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == str(tmp_path / "a.safetensors")
    list(distill([(style, 1.0)], data, tmp_path / "b.safetensors", config()))
    found = [open_student(tmp_path / f"{n}.safetensors", device="cpu").net.state_dict() for n in "ab"]
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


def test_an_error_before_the_first_checkpoint_leaves_nothing(
    style: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_loop.ImageLoop, "_update", lambda *_: (_ for _ in ()).throw(GradientError("diverged")))
    with pytest.raises(GradientError):
        list(distill([(style, 1.0)], data, tmp_path / "a.safetensors", config()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "waves.png"]


def test_a_checkpoint_of_other_settings_or_other_data_is_refused(
    style: Path, data: Path, tmp_path: Path, make_textures: Callable[..., Path]
) -> None:
    output = tmp_path / "a.safetensors"
    stopped(style, data, output, config(), 2)
    with pytest.raises(InputError, match=r"--strength is 0\.9, but the run being resumed has 0\.5"):
        next(distill([(style, 1.0)], data, output, config(strength=0.9)))
    other = make_textures(tmp_path / "other", {"dots": 3})
    with pytest.raises(DataError, match="pictures changed"):
        next(distill([(style, 1.0)], other, output, config()))
    with pytest.raises(DataError, match="pictures changed"):
        next(distill([(next(other.rglob("*.png")), 1.0)], data, output, config()))
    with pytest.raises(DataError, match="pictures changed"):
        next(distill([(style, 1.0), (style, 2.0)], data, output, config()))


def test_weights_of_styles_belong_to_a_run(style: Path, data: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    output = tmp_path / "a.safetensors"
    steps = distill([(style, 1.0), (tmp_path / "grey.png", 3.0)], data, output, config())
    list(zip(range(2), steps, strict=False))
    steps.close()
    with pytest.raises(DataError):
        next(distill([(style, 3.0), (tmp_path / "grey.png", 1.0)], data, output, config()))


@pytest.mark.parametrize(
    ("change", "words", "kind"),
    [
        ({"style": "missing.png"}, "missing.png", PictureError),
        ({"style": "broken.png"}, "broken.png", PictureError),
        ({"data": "nowhere"}, "nowhere", ReverieError),
        ({"data": "empty"}, "no picture", DataError),
        ({"data": "broken"}, "in a row cannot be read", DataError),
        ({"weight": 0.0}, "weight", InputError),
        ({"crop_px": 72}, "multiple of 16", InputError),
        ({"strength": 2.0}, "--strength must be at most 1", InputError),
    ],
)
def test_what_cannot_be_learned_is_refused_and_leaves_nothing(
    style: Path, data: Path, tmp_path: Path, change: dict[str, Any], words: str, kind: type[Exception]
) -> None:
    (tmp_path / "broken.png").write_bytes(style.read_bytes()[:100])
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    before = sorted(p.name for p in tmp_path.iterdir())
    settings = {k: v for k, v in change.items() if k in ("crop_px", "strength")}
    pictures = [(tmp_path / change.get("style", "waves.png"), change.get("weight", 1.0))]
    with pytest.raises(kind, match=words) as caught:
        list(distill(pictures, tmp_path / change.get("data", "data"), tmp_path / "a.safetensors", config(**settings)))
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_one_source_alone_is_refused(style: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["distill", str(style)]) == 2
    captured = capsys.readouterr()
    assert "DATA is missing" in captured.err and captured.err.count("\n") == 1
