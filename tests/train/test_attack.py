"""The L2 attack stays in its ball, raises the loss and leaves no trace in the network."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reverie.data.batches import seeded
from reverie.train.robust import attack_l2


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.0), nn.Linear(8 * 64, 5)
    ).train()


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(1)
    return torch.rand(6, 3, 8, 8, generator=random), torch.randint(0, 5, (6,), generator=random)


def attacked(net, batch, radius, steps, seed=0):
    return attack_l2(lambda x, y: F.cross_entropy(net(x), y), *batch, net, radius, steps, seeded(seed))


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("radius", [0.05, 0.5, 3.0])
def test_pictures_stay_in_the_ball_and_the_range(net, batch, radius, steps):
    moved = attacked(net, batch, radius, steps)
    assert (moved - batch[0]).flatten(1).norm(dim=1).max() <= radius * (1 + 1e-5)
    assert moved.min() >= 0 and moved.max() <= 1
    assert not moved.requires_grad


@pytest.mark.parametrize("steps", [1, 5])
def test_the_loss_rises_more_than_by_chance(net, batch, steps):
    net.eval()  # in eval mode every picture is attacked by itself
    images, labels = batch
    moved = attacked(net, batch, 0.5, steps)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(2))
    noise = images + 0.5 * noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    before, after, chance = (F.cross_entropy(net(x), labels).item() for x in (images, moved, noise))
    assert after > before + 3 * abs(chance - before)


def test_one_step_goes_to_the_edge_along_the_gradient(net, batch):
    net.eval()
    images, labels = batch[0] * 0.2 + 0.4, batch[1]  # far from black and white, where nothing is clipped
    leaf = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(net(leaf), labels), leaf)
    expected = 0.1 * gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    assert torch.allclose(attacked(net, (images, labels), 0.1, 1) - images, expected, atol=1e-6)


def test_the_network_is_as_before(net, batch):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    attacked(net, batch, 0.5, 3)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert net[1].track_running_stats and net[1].training
    assert all(p.grad is None for p in net.parameters())
    net(batch[0])
    assert net[1].num_batches_tracked == 1  # it learns again


def test_an_error_in_the_attack_restores_batchnorm(net, batch):
    def fail(*_):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        attack_l2(fail, *batch, net, 0.5, 1, seeded(0))
    assert net[1].track_running_stats


def test_the_generator_decides(net, batch):
    state = torch.get_rng_state()
    one, same, other = (attacked(net, batch, 0.5, 2, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)
