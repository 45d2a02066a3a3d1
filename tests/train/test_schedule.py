"""Schedules, averages, weights of classes and the loss, in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from reverie.train.average import Average
from reverie.train.loss import ClassifierLoss, class_weights
from reverie.train.meter import Meter
from reverie.train.normalization import Normalization
from reverie.train.optimizer import build_sgd
from reverie.train.schedule import progressive_px, warm_cosine

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("progress", "factor"),
    [(0.0, 0.01), (0.05, 0.5), (0.1, 1.0), (0.55, 0.5), (1.0, 0.0), (0.325, 0.5 * (1 + math.cos(math.pi / 4)))],
)
def test_warm_cosine(progress, factor):
    assert warm_cosine(progress, 0.1) == pytest.approx(factor)


def test_warm_cosine_without_warmup_starts_at_the_top_and_never_rises():
    values = [warm_cosine(p / 50, 0.0) for p in range(60)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0  # beyond the end


@pytest.mark.parametrize(
    ("progress", "input_px", "size"),
    [(0, 64, 40), (0.35, 64, 48), (0.7, 64, 64), (1, 64, 64), (0, 224, 144), (0, 16, 16)],
)
def test_progressive_size(progress, input_px, size):
    assert progressive_px(progress, input_px) == size


def test_average_follows_the_warmed_up_recursion():
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, 0.0)
    average, expected = Average(net, 0.9), 0.0
    for update in range(1, 30):
        nn.init.constant_(net.weight, float(update))
        average.update(net)
        decay = min(0.9, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * update
        assert average.net.weight.item() == pytest.approx(expected, rel=1e-5)


def test_average_takes_buffers_along_and_counts_exactly():
    net = nn.BatchNorm1d(2)
    average = Average(net, 0.5)
    net(torch.tensor([[1.0, 2.0], [3.0, 8.0]]))
    average.update(net)
    assert torch.equal(average.net.num_batches_tracked, net.num_batches_tracked)
    decay = 2 / 11
    assert torch.allclose(average.net.running_mean, (1 - decay) * net.running_mean)


def test_average_with_decay_zero_is_the_network():
    net = nn.Linear(3, 2)
    average = Average(net, 0.0)
    nn.init.normal_(net.weight)
    average.update(net)
    assert torch.equal(average.net.weight, net.weight)


def test_class_weights_go_with_the_inverse_root_and_average_to_one():
    labels = torch.tensor([0] * 16 + [1] * 4)
    weights = class_weights(labels, 2)
    assert weights[1] / weights[0] == pytest.approx(2)
    assert weights[labels].mean() == pytest.approx(1)


def test_loss_is_smoothed_cross_entropy_of_normalized_pictures():
    net = nn.Sequential(nn.Flatten(), nn.Linear(3, 4))
    images, labels = torch.rand(5, 3, 1, 1), torch.tensor([0, 1, 2, 3, 0])
    shown = Normalization((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    loss = ClassifierLoss(shown, 0.1, None, CPU, "fp32")
    x = (images.flatten(1) - torch.tensor(shown.mean)) / torch.tensor(shown.std)
    logs = net[1](x).log_softmax(1)
    targets = torch.full((5, 4), 0.1 / 4)
    targets[torch.arange(5), labels] += 0.9
    assert loss(net, images, labels).item() == pytest.approx(-(targets * logs).sum(1).mean().item(), rel=1e-5)


def test_weight_decay_spares_biases_and_batchnorm():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    net[0].requires_grad_(False)
    optimizer = build_sgd(net, 0.1, 0.01)
    decayed, spared = optimizer.param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.01, 0.0)
    assert [p.ndim for p in decayed["params"]] == [2]  # the frozen kernel is in neither
    assert len(spared["params"]) == 3


def test_meter_counts():
    meter = Meter()
    assert math.isnan(meter.loss) and meter.rate == 0 and meter.wait_share == 0
    meter.add(2.0, 30, 1.0, 0.25)
    meter.add(1.0, 30, 2.0, 0.5)
    assert meter.loss == pytest.approx(1.98)
    assert meter.rate == 20
    assert meter.wait_share == 0.25
