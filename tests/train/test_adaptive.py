"""The decoder for any style: that it learns, stops and goes on, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from trained import train_adaptive

from reverie.apps.cli.main import main
from reverie.critic.open import open_critic
from reverie.data.ahead import Ahead
from reverie.data.crops import CropPool
from reverie.errors import DataError, InputError, ReverieError
from reverie.tools.fast.model import fast_style, open_student
from reverie.train import adaptive as module
from reverie.train.adaptive import AdaptiveTask, style_distance, variation, varied_colors
from reverie.train.adaptive_config import AdaptiveConfig
from reverie.weights.checkpoint import load_model
from reverie.weights.embedded import adaptive_path, embedded_path

pytestmark = pytest.mark.real  # a decoder fits the channels of the network that was shipped with it
QUICK: dict[str, Any] = {"steps": 4, "batch": 2, "crop_px": 64, "precision": "fp32", "device": "cpu"}


@pytest.fixture(autouse=True)
def opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    critic = open_critic("embedded", device="cpu", precision="fp32")
    monkeypatch.setattr(module, "open_critic", lambda *_, **__: critic)


@pytest.fixture
def data(tmp_path: Path, make_textures: Callable[..., Path]) -> tuple[Path, Path]:
    contents = make_textures(tmp_path / "contents", {"plain": 6}, px=80)
    return contents, make_textures(tmp_path / "styles", {"stripes": 3, "dots": 3}, px=80, seed=1)


def config(**changes: Any) -> AdaptiveConfig:
    return AdaptiveConfig(**(QUICK | changes))


def steps_of(data: tuple[Path, Path], output: Path, how: AdaptiveConfig) -> Iterator[Any]:
    return train_adaptive([data[0]], [data[1]], output, how)


def stopped(data: tuple[Path, Path], output: Path, how: AdaptiveConfig, at: int) -> None:
    steps = train_adaptive([data[0]], [data[1]], output, how)
    for moment in steps:
        if moment.phase == "train" and moment.step >= at:
            break
    steps.close()


@pytest.mark.slow
def test_the_loss_falls_and_the_file_paints(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = AdaptiveTask._batch
    monkeypatch.setattr(AdaptiveTask, "_batch", lambda self, step: batch(self, 1))  # others differ more than it falls
    before = torch.get_rng_state()
    steps = list(steps_of(data, tmp_path / "run", config(steps=20, lr=1e-3, crop_px=48, ema=0.8)))
    losses = [s.loss for s in steps if s.phase == "train"]
    assert losses[-1] < 0.9 * losses[0]
    assert (steps[0].message, steps[-1].phase) == ("6 pictures, 6 styles", "done")
    assert steps[-1].output == tmp_path / "run" / "model.safetensors"
    assert torch.equal(before, torch.get_rng_state())
    assert not (tmp_path / "run" / "checkpoint.pt").exists()
    model = open_student(steps[-1].output, device="cpu")
    assert model.takes_styles and str(tmp_path) not in str(model.about)
    picture = torch.rand(1, 3, 40, 56)
    assert fast_style(picture, model, [picture.flip(1)]).shape == picture.shape


def test_a_network_goes_on_from_the_weights_of_an_earlier_one(data, tmp_path: Path) -> None:
    steps = steps_of(data, tmp_path / "run", config(steps=1, lr=1e-9, ema=0, init="any"))
    *_, last = steps
    shipped, _ = load_model(adaptive_path())
    found, about = load_model(last.output)
    assert all(torch.allclose(found[name].float(), value.float(), atol=1e-3) for name, value in shipped.items())
    assert about.recipe["init"] == "any"


def test_weights_of_another_kind_are_refused(data, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no network for any style"):
        next(steps_of(data, tmp_path / "run", config(init=str(embedded_path()))))


@pytest.mark.slow
def test_resumed_equals_uninterrupted(data, tmp_path: Path) -> None:
    whole = list(steps_of(data, tmp_path / "whole", config()))
    stopped(data, tmp_path / "parts", config(), 1)
    torch.rand(3)  # the caller's randomness is no part of the run
    stopped(data, tmp_path / "parts", config(), 3)
    rest = list(steps_of(data, tmp_path / "parts", config()))
    assert [s.step for s in rest if s.phase == "train"] == [4] and rest[-2].loss == whole[-2].loss
    found = [load_model(tmp_path / name / "model.safetensors")[0] for name in ("whole", "parts")]
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


def test_batches_made_ahead_change_nothing(data, tmp_path: Path) -> None:
    task = AdaptiveTask(CropPool([data[0]]), CropPool([data[1]]), config())
    alone = [task.batch(step) for step in range(6)]
    task.batches = Ahead(task._batch, 3)
    ahead = [task.batch(step) for step in range(6)]
    task.batches.close()
    for one, other in zip(alone, ahead, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    content, style = alone[0]
    assert torch.equal(content[0], style[0]) and not torch.equal(content[1], style[1])


@pytest.mark.slow
def test_ctrl_c_keeps_a_checkpoint_and_the_command_says_how_to_go_on(
    data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    options = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK.items()]
    command = ["train", "adaptive", str(data[0]), "--styles", str(data[1]), "-o", str(output), *options]
    losses = AdaptiveTask.losses

    def pressed(self: AdaptiveTask, net: Any, step: int) -> dict[str, torch.Tensor]:
        if step == 2:
            raise KeyboardInterrupt
        return losses(self, net, step)

    with monkeypatch.context() as patch:
        patch.setattr(AdaptiveTask, "losses", pressed)
        patch.setattr("reverie.apps.cli.watch.ignore_interrupts", lambda: None)
        assert main(command) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert torch.load(output / "checkpoint.pt", weights_only=True)["step"] == 2
    assert main([*command, "--resume"]) == 0
    assert capsys.readouterr().out.strip() == str(output / "model.safetensors")
    assert main(command) == 0
    assert "there already" in capsys.readouterr().err


@pytest.mark.slow
def test_a_checkpoint_of_other_settings_or_other_data_is_refused(data, tmp_path: Path) -> None:
    stopped(data, tmp_path / "run", config(), 1)
    with pytest.raises(InputError, match=r"--style is 3\.0, but the run being resumed has 8\.0"):
        next(steps_of(data, tmp_path / "run", config(style=3.0)))
    with pytest.raises(DataError, match="pictures changed"):
        next(steps_of(data[::-1], tmp_path / "run", config()))


@pytest.mark.parametrize(
    ("contents", "styles", "change", "words"),
    [
        ("nowhere", "styles", {}, "nowhere"),
        ("contents", "empty", {}, "no picture"),
        ("broken", "styles", {}, "in a row cannot be read"),
        ("contents", "styles", {"crop_px": 60}, "multiple of 8"),
        ("contents", "styles", {"batch": 1}, "--batch must be at least 2"),
    ],
)
def test_what_cannot_be_learned_is_refused_and_leaves_nothing(
    data, tmp_path: Path, contents: str, styles: str, change: dict, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    with pytest.raises(ReverieError, match=words) as caught:
        list(train_adaptive([tmp_path / contents], [tmp_path / styles], tmp_path / "run", config(**change)))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_styles_that_are_held_out_are_not_shown(data, tmp_path: Path) -> None:
    names = sorted(p.name for p in data[1].rglob("*.png"))
    first = next(steps_of(data, tmp_path / "run", config(leave_out=(names[0],))))
    assert first.message == "6 pictures, 4 styles"  # both folders of styles hold a file of that name


def test_the_distance_of_styles_is_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    found, target = torch.randn(2, 2, 5, 6, 7, generator=generator, dtype=torch.float64)
    total = 0.0
    for f, t in zip(found, target, strict=True):
        m, mt = (x.flatten(1).mean(1).numpy() for x in (f, t))
        c, ct = (np.cov(x.flatten(1).numpy(), bias=True) for x in (f, t))
        spread = np.diag(ct).mean() + module.SOFT
        first = (np.square(m - mt).mean() + np.square(np.sqrt(np.diag(c)) - np.sqrt(np.diag(ct))).mean()) / spread
        total += first + np.square(c - ct).sum() / (np.square(ct).sum() + module.SOFT)
    assert style_distance(found, target).item() == pytest.approx(total / 2, rel=1e-9)
    assert style_distance(found, found).item() == 0


def test_variation_is_that_of_neighbors() -> None:
    ramp = torch.arange(5.0)[None, None, None].expand(1, 3, 4, 5)
    assert variation(ramp).item() == 0.5


def test_colors_vary_without_new_ones() -> None:
    styles = torch.rand(64, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    varied = varied_colors(styles, torch.Generator().manual_seed(1))
    assert torch.equal(varied, varied_colors(styles, torch.Generator().manual_seed(1)))
    same = inverted = 0
    for before, after in zip(styles, varied, strict=True):
        rows = [{tuple(c.flatten().tolist()) for c in x} for x in (before, 1 - before, after)]
        assert rows[2] in (rows[0], rows[1])
        same += torch.equal(before, after)
        inverted += rows[2] == rows[1]
    assert 25 < same < 55 and 0 < inverted < 20


def test_a_picture_is_read_as_a_pool(tmp_path: Path) -> None:
    Image.fromarray(np.full((80, 80, 3), 77, np.uint8)).save(tmp_path / "a.png")
    task = AdaptiveTask(CropPool([tmp_path / "a.png"]), CropPool([tmp_path / "a.png"]), config())
    assert torch.allclose(task.batch(0)[0], torch.full((2, 3, 64, 64), 77 / 255))
