"""Networks, goals, optimizers and transforms of a program's own: measured on a network whose optimum is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reverie
from reverie.critic.module import GUESSED
from reverie.critic.wrap import as_critic
from reverie.errors import InputError, LayerError


class Red(nn.Module):
    """Channel 0 of `seen` is the red of a picture, channel 1 its blue; `out` their means."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = nn.Conv2d(3, 2, 1, bias=False)
        self.seen.weight.data = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]).view(2, 3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.seen(images).mean((2, 3))


def grey() -> nn.Module:
    return reverie.canvas.PixelCanvas(torch.full((1, 3, 16, 16), 0.5))


PLAIN = reverie.Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@pytest.mark.slow
def test_a_goal_by_text_raises_its_own_channel_alone() -> None:
    drawing = reverie.visualize(Red(), "seen:0", canvas=grey(), steps=12, preprocessing=PLAIN)
    red, green, blue = drawing.array().mean((0, 1))
    assert red > 0.9
    assert (green, blue) == pytest.approx((0.5, 0.5), abs=0.01)


def test_two_channels_mixed_and_a_function_agree() -> None:
    goals = ("seen:0 + seen:1", lambda acts: acts["seen"].mean((2, 3)).sum(1))
    drawn = [
        reverie.visualize(
            Red(), goal, canvas=grey(), steps=4, preprocessing=PLAIN, transforms=lambda images: images
        ).array()
        for goal in goals
    ]
    assert np.allclose(*drawn, atol=1e-6)
    assert drawn[0].mean((0, 1)) == pytest.approx((0.7, 0.5, 0.7), abs=0.01)  # four steps of Adam's 0.05


def test_same_seed_same_bytes_with_random_transforms() -> None:
    def noisy(images: Tensor) -> Tensor:
        return images + 0.1 * torch.randn_like(images)

    first, again = (
        reverie.visualize(Red(), "seen:0", size=16, steps=3, transforms=noisy, seed=5).array() for _ in range(2)
    )
    assert np.array_equal(first, again)


def test_own_optimizer_moves_the_canvas() -> None:
    canvas = reverie.canvas.PixelCanvas(torch.full((1, 3, 8, 8), 0.5))
    steps = list(reverie.optimize.render(
        as_critic(Red(), preprocessing=PLAIN), lambda acts: acts["seen"][:, 0].sum((1, 2)), canvas,
        lambda parameters: torch.optim.SGD(parameters, lr=0.1), lambda images: images, steps=3,
    ))  # fmt: skip
    moved = steps[-1].images.mean((0, 2, 3))
    assert moved[0] == pytest.approx(0.8, abs=1e-5)  # three steps of 0.1 along a gradient of one
    assert moved[1] == moved[2] == 0.5


def test_a_dream_of_an_own_network_and_goal(tmp_path: Path) -> None:
    picture = np.full((70, 80, 3), 0.5, np.float32)
    dream = reverie.dream(
        picture, model=Red(), preprocessing=PLAIN, objective=lambda acts: acts["seen"][:, 0].mean((1, 2)), steps=3,
        octaves=1, step_size=0.05, jitter=0,
    )  # fmt: skip
    mean = dream.array().mean((0, 1))
    assert mean[0] > 0.6
    assert mean[1:] == pytest.approx([0.5, 0.5], abs=1e-3)
    path = dream.save(tmp_path / "red.png")
    assert reverie.info(path)["model"]["name"] == "Red"


def test_guessed_preprocessing_is_said() -> None:
    assert as_critic(Red()).notes == (GUESSED,)
    assert as_critic(Red(), preprocessing=PLAIN).notes == ()


def test_a_module_stays_as_it_is() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    as_critic(net)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_errors_say_what_is_expected() -> None:
    with pytest.raises(InputError, match=r"torch\.nn\.Module.*got list"):
        as_critic([1])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="does not take color pictures"):
        as_critic(nn.Sequential(nn.Conv2d(1, 4, 3)))
    with pytest.raises(LayerError, match="no layer called 'layer9'"):
        reverie.visualize(Red(), "layer9:3", steps=1, size=16).array()
    with pytest.raises(InputError, match="reads no layer"):
        reverie.visualize(Red(), lambda acts: torch.zeros(1), steps=1, size=16).array()
    for wrong in (lambda acts: acts.mean(), lambda acts: torch.mean(acts)):
        with pytest.raises(InputError, match="takes a layer for its activations"):
            reverie.visualize(Red(), wrong, steps=1, size=16).array()
    with pytest.raises(InputError, match=r"add \.mean\(\)"):
        reverie.visualize(Red(), lambda acts: acts["seen"], steps=1, size=16).array()
    with pytest.raises(InputError, match="no setting called 'stepz'; nearest: steps"):
        reverie.dream("photo.jpg", stepz=3)
    with pytest.raises(InputError, match="no setting called 'sides'"):
        reverie.run_tool("latent sample", sides=3)


@pytest.mark.slow
def test_networks_of_torchvision_by_name() -> None:
    critic = reverie.open_critic("shufflenet_v2_x0_5", "random", device="cpu", precision="fp32")
    assert "stage3" in {layer.name for layer in critic.layers}
    assert critic.identity.default_layers


def test_what_a_program_brought_is_said_and_not_replayed(tmp_path: Path) -> None:
    dream = reverie.dream(np.full((66, 70, 3), 0.5, np.float32), model=Red(), layer="seen", steps=1, octaves=1)
    path = dream.save(tmp_path / "own.png")
    with pytest.raises(InputError, match="made by a program with a network of its own"):
        reverie.replay(path)


def test_a_foreign_file_is_not_written_over(tmp_path: Path) -> None:
    foreign = tmp_path / "precious.png"
    foreign.write_bytes(b"not ours")
    with pytest.raises(InputError, match="was not made by Reverie"):
        reverie.visualize(Red(), "seen:0", size=16, steps=1).save(foreign)
    assert foreign.read_bytes() == b"not ours"
