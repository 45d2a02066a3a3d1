import pytest
import torch
from torch import nn

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import InputError
from reverie.models.norms import NormStatistics
from reverie.objective import bn_statistics


def statistics(path="a", channels=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return NormStatistics(
        path, torch.randn(channels, generator=generator), 0.2 + torch.rand(channels, generator=generator)
    )


def test_it_is_the_formula_in_naive_loops(generator):
    targets = (statistics("a", 4), statistics("b", 2, seed=1))
    activations = {"a": torch.randn(3, 4, 5, 6, generator=generator), "b": torch.randn(3, 2, 2, 3, generator=generator)}
    expected = 0.0
    for target in targets:
        off_mean = off_variance = length = length_of_squares = 0.0
        for c in range(len(target.mean)):
            values = activations[target.path][:, c].flatten().tolist()
            mean = sum(values) / len(values)
            variance = sum((v - mean) ** 2 for v in values) / len(values)
            off_mean += (mean - float(target.mean[c])) ** 2
            off_variance += (variance - float(target.variance[c])) ** 2
            length += float(target.variance[c])
            length_of_squares += float(target.variance[c]) ** 2
        expected += (off_mean / length) ** 0.5 + (off_variance / length_of_squares) ** 0.5
    score = bn_statistics(targets)(activations)
    assert score.shape == (3,)
    assert torch.allclose(score, torch.full((3,), expected / 2), rtol=1e-4)


def test_the_pictures_that_a_network_was_normalized_with_are_at_no_distance(generator):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8, momentum=None), nn.ReLU(),
        nn.Conv2d(8, 6, 3, padding=1), nn.BatchNorm2d(6, momentum=None), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    with torch.no_grad():
        net[1].weight.uniform_(0.5, 2, generator=generator)
        net[4].bias.uniform_(-1, 1, generator=generator)
    seen = torch.rand(32, 3, 16, 16, generator=generator)
    with torch.no_grad():
        net.train()(seen)
    plain = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    critic = Critic(net, plain, Identity("x", input_px=16))
    distance = bn_statistics(critic.norms)
    assert float(distance(critic(seen, distance.layers))[0]) < 0.01
    assert float(distance(critic(0.2 * seen, distance.layers))[0]) > 0.5
    assert float(distance(critic(seen.flip(1), distance.layers))[0]) > 0.02


def test_its_gradient_is_that_of_finite_differences(generator):
    distance = bn_statistics([statistics("a", 2)])
    a = torch.randn(2, 2, 3, 2, dtype=torch.float64, generator=generator).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: distance({"a": x}), a)


def test_a_network_without_batchnorm_is_refused():
    with pytest.raises(InputError, match="no BatchNorm"):
        bn_statistics(())
