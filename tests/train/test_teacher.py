"""Layers that learn a teacher's: the error by hand, what a training reaches, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from trained import train_classifier

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.critic.statistics import ChannelStatistics
from reverie.errors import InputError, LayerError
from reverie.train import teacher as module
from reverie.train.optimizer import build_sgd
from reverie.train.run_folder import RunFolder
from reverie.train.teacher import Pair, Teacher, parsed_pairs
from reverie.weights.checkpoint import load_model

MEAN, STD = torch.tensor([0.5, -1.0]), torch.tensor([2.0, 0.25])


def convolution(seed: int, stride: int) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, 2, 3, stride, 1))
    net[0].weight.data = torch.randn(net[0].weight.shape, generator=generator)
    return net


@pytest.fixture
def critic(monkeypatch) -> Critic:
    """A teacher of one convolution, whose channels have known strengths."""
    monkeypatch.setattr(module, "statistics_of", lambda _c, names: {n: ChannelStatistics(MEAN, STD) for n in names})
    return Critic(convolution(1, 2), Preprocessing((0.0,) * 3, (1.0,) * 3), Identity("teacher", input_px=32))


def test_the_error_is_that_of_a_direct_formula(critic):
    net, images = convolution(2, 1), torch.rand(2, 3, 32, 32)
    teacher = Teacher(critic, net, ["0"], [2], [Pair("0", "0", 3.0)], weight=0.5)
    own = net(images)
    coarse = own.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))  # the learner's grid is twice as fine
    to_theirs = teacher.maps[0]
    foretold = torch.einsum("bchw,dc->bdhw", coarse, to_theirs.weight[..., 0, 0]) + to_theirs.bias.view(1, -1, 1, 1)
    goal = (critic(images, ["0"])["0"] - MEAN.view(1, -1, 1, 1)) / STD.view(1, -1, 1, 1)
    assert torch.allclose(teacher(images), 0.5 * (foretold - goal).square().mean(), rtol=1e-5)


def test_a_map_that_knows_the_answer_makes_no_error_and_teaches_nothing(critic):
    net, images = convolution(1, 2), torch.rand(1, 3, 32, 32)
    teacher = Teacher(critic, net, ["0"], [2], [Pair("0", "0")])
    teacher.maps[0].weight.data = torch.diag(1 / STD)[..., None, None]
    teacher.maps[0].bias.data = -MEAN / STD
    net[0].bias.data = critic.net[0].bias.data.clone()
    net(images)
    error = teacher(images)
    error.backward()
    assert error < 1e-9
    assert net[0].weight.grad.abs().max() < 1e-4


def test_the_teacher_sees_larger_pictures_on_demand(critic):
    net = convolution(2, 1)
    teacher = Teacher(critic, net, ["0"], [2], [Pair("0", "0")], zoom=2)
    assert teacher._goals(torch.rand(1, 3, 32, 32))["0"].shape == (1, 2, 32, 32)


def test_pairs_are_read_with_their_weights():
    assert parsed_pairs(["mixed4a=inception_4a/output", "conv1=conv1:0.5"]) == (
        Pair("mixed4a", "inception_4a/output"),
        Pair("conv1", "conv1", 0.5),
    )


@pytest.mark.parametrize("text", ["mixed4a", "=conv1", "conv1=", "conv1=conv1:x", "conv1=conv1:0", "a=b:-1", "a=b:inf"])
def test_texts_of_another_form_are_refused(text):
    with pytest.raises(InputError, match="OWN=TEACHERS"):
        parsed_pairs([text])


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"teacher": "embedded"}, InputError, "--distill OWN=TEACHERS"),
        ({"teacher": "embedded", "distill": ("conv9_1=conv1",)}, LayerError, "conv5_1"),
        ({"teacher": "embedded", "distill": ("conv1_1=mixed9a",)}, LayerError, "mixed5a"),
        ({"teacher": "embeded", "distill": ("conv1_1=conv1",)}, InputError, "embedded"),
    ],
)
def test_what_cannot_be_taught_is_refused_before_pictures_are_read(textures, quick, tmp_path, settings, error, text):
    with pytest.raises(error, match=text):
        list(train_classifier(textures, tmp_path / "run", quick(**settings)))


def test_several_processes_are_refused(quick):
    config = quick(teacher="embedded", distill=("conv1_1=conv1",))
    with pytest.raises(InputError, match="one process"):
        module.open_teacher(config, nn.Identity(), torch.device("cpu"), 2)


def test_layers_come_nearer_to_the_teachers(critic):
    """A network that can foretell the teacher whole does so more and more, its own layer learning with the map."""
    generator = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1))
    teacher = Teacher(critic, net, ["0"], [4], [Pair("0", "0")])
    optimizer = build_sgd(nn.ModuleList([net, teacher]), 0.003, 0.0)
    errors = []
    for _ in range(150):
        images = torch.rand(4, 3, 16, 16, generator=generator)
        optimizer.zero_grad()
        net(images)
        error = teacher(images)
        error.backward()
        optimizer.step()
        errors.append(float(error.detach()))
    assert errors[-1] < 0.1 * errors[0]


TAUGHT = {"teacher": "embedded", "distill": ("conv2_2=conv2:2",), "distill_weight": 2.0}


@pytest.mark.slow
def test_a_resumed_taught_run_equals_one_that_was_not_stopped(textures, quick, tmp_path, monkeypatch):
    """And the maps stay out of the network's file."""
    monkeypatch.setattr(RunFolder, "finish", lambda _run: None)
    config = quick(epochs=1.0, **TAUGHT)
    list(train_classifier(textures, tmp_path / "whole", config))
    begun = train_classifier(textures, tmp_path / "parts", config)
    for moment in begun:
        if moment.phase == "train" and moment.step >= 3:
            break
    begun.close()
    list(train_classifier(textures, tmp_path / "parts", config))
    one, other = (torch.load(tmp_path / n / "checkpoint.pt", weights_only=True) for n in ("whole", "parts"))
    for part in ("net", "teacher", "average"):
        assert all(torch.equal(one[part][name], other[part][name]) for name in one[part])
    state, about = load_model(tmp_path / "whole" / "model.safetensors")
    assert about.recipe["distill"] == list(TAUGHT["distill"])
    assert not [name for name in state if "maps" in name]
