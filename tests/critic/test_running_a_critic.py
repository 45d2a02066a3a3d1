"""A call runs the network up to the deepest requested layer, changes nothing and leaves nothing behind."""

import copy

import pytest
import torch
from torch import nn

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import InputError, LayerError
from reverie.models.classifier import StagedClassifier
from reverie.weights.vision import torchvision

PLAIN = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
ALL_STAGES = ("conv1", "conv2", "mixed3", "conv4")


class Cut(nn.Module):
    """The first layers of a torchvision VGG under their own names."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x)


class Reused(nn.Module):
    """One ReLU module that runs three times, as in torchvision's ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.relu = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.ReLU(inplace=True)
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.conv1(x))
        x = x + self.relu(self.conv2(x))[..., :1, :1]
        return self.last(self.relu(x - 0.5))


def hooks(net: nn.Module) -> int:
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, name)) for module in net.modules() for name in names)


def executed(critic: Critic, names: tuple[str, ...]) -> set[str]:
    """Return the paths of all modules that a call ran (not the first one, which also counts how often each runs)."""
    critic(torch.rand(1, 3, 64, 64), names)
    seen: set[str] = set()
    handles = [
        module.register_forward_pre_hook(lambda *_, path=path: seen.add(path))
        for path, module in critic.net.named_modules()
    ]
    critic(torch.rand(1, 3, 64, 64), names)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize(
    ("names", "ran", "not_run"),
    [
        (("conv1",), {"stages.conv1"}, {"stages.conv2", "stages.mixed3", "logits"}),
        (("mixed3", "conv1"), {"stages.conv2", "stages.mixed3"}, {"stages.pool_conv4", "stages.conv4", "logits"}),
        (("stages.conv2.conv",), {"stages.conv2.conv"}, {"stages.conv2.relu", "stages.mixed3"}),
        (("logits", "conv1"), {"stages.conv4", "logits"}, set()),
        (("image",), set(), {"", "stages.conv1"}),
    ],
)
def test_nothing_behind_the_deepest_requested_layer_runs(small_critic, names, ran, not_run):
    paths = executed(small_critic, names)
    assert ran <= paths
    assert not not_run & paths


def test_no_hook_stays_on_the_network_whatever_happens(small_critic):
    small_critic(torch.rand(1, 3, 64, 64), ALL_STAGES)
    with pytest.raises(LayerError):
        small_critic(torch.rand(1, 3, 64, 64), ["conv9"])
    with pytest.raises(InputError, match="too small"):
        small_critic(torch.rand(1, 3, 1, 40), ["conv4"])
    with pytest.raises(RuntimeError):
        small_critic(torch.rand(1, 4, 64, 64), ["conv4"])
    assert hooks(small_critic.net) == 0


def test_the_callers_module_and_its_hooks_stay_as_they_were():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 1)).train()
    calls = []
    net[0].register_forward_hook(lambda *_: calls.append("after"))
    net[2].register_forward_pre_hook(lambda *_: calls.append("before"))
    state = copy.deepcopy(net.state_dict())
    critic = Critic(net, PLAIN, Identity("own", input_px=16))
    critic(torch.rand(1, 3, 16, 16), ["2"])["2"].sum()
    assert calls == []  # they belong to the caller's network and see only its calls
    assert hooks(net) == 2
    assert net.training
    assert all(p.requires_grad for p in net.parameters())
    assert isinstance(net[1], nn.BatchNorm2d)
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    net(torch.rand(1, 3, 16, 16))
    assert calls == ["after", "before"]


def test_weights_are_frozen_and_the_gradient_reaches_the_picture_only(small_critic):
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    small_critic(images, ["conv4"])["conv4"].square().sum().backward()
    assert images.grad is not None
    assert images.grad.any()
    assert all(not p.requires_grad and p.grad is None for p in small_critic.net.parameters())


def test_an_in_place_relu_does_not_overwrite_a_captured_convolution():
    features = torchvision().models.vgg.make_layers([64, 64, "M", 128])
    alias = {"conv1_1": "features.0", "relu1_1": "features.1"}
    critic = Critic(Cut(features), PLAIN, Identity("vgg", input_px=32, alias=alias))
    images = torch.rand(1, 3, 24, 32)
    found = critic(images, ["conv1_1", "relu1_1", "features.2", "features.6"])
    with torch.no_grad():
        conv = features[0](images)
        assert torch.allclose(found["conv1_1"], conv, atol=1e-5)
        assert torch.allclose(found["relu1_1"], conv.clamp_min(0), atol=1e-5)
        assert torch.allclose(found["features.2"], features[2](conv.clamp_min(0)), atol=1e-5)
        assert torch.allclose(found["features.6"], features(images), atol=1e-5)
    assert found["conv1_1"].min() < 0


def test_gradients_of_captured_layers_are_those_of_a_network_without_in_place_operations():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.Conv2d(6, 4, 3), nn.ReLU(inplace=True))
    critic, images = Critic(net, PLAIN, Identity("own", input_px=16)), torch.rand(1, 3, 16, 20)
    for module in net:
        if isinstance(module, nn.ReLU):
            module.inplace = False
    ours, theirs = images.clone().requires_grad_(True), images.clone().requires_grad_(True)
    found = critic(ours, ["0", "1", "3"])
    sum(a.square().sum() for a in found.values()).backward()
    zero = net[0](theirs)
    one = net[1](zero)
    (zero.square().sum() + one.square().sum() + net[3](net[2](one)).square().sum()).backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)


def test_a_module_that_runs_several_times_is_captured_where_it_runs_last():
    torch.manual_seed(0)
    net = Reused()
    critic, images = Critic(net, PLAIN, Identity("own", input_px=16)), torch.rand(1, 3, 12, 16)
    with torch.no_grad():
        found = critic(images, ["relu", "conv1"])
        net.relu.inplace = False
        first = net.relu(net.conv1(images))
        assert torch.allclose(found["conv1"], net.conv1(images), atol=1e-5)
        assert torch.allclose(found["relu"], net.relu(first + net.relu(net.conv2(first))[..., :1, :1] - 0.5), atol=1e-5)


@pytest.mark.parametrize("size", [(64, 64), (37, 90), (51, 33)])
def test_activations_have_the_sizes_that_are_announced(small_critic, size):
    found = small_critic(torch.rand(2, 3, *size), (*ALL_STAGES, "image", "logits"))
    sizes = small_critic.sizes(size)
    for name in (*ALL_STAGES, "image"):
        assert tuple(found[name].shape[-2:]) == sizes[name]
        if name != "image":
            assert found[name].shape[1] == small_critic.layer(name).channels
    assert found["logits"].shape == (2, 5)
    assert sizes["logits"] == (1, 1)


def test_activations_and_logits_are_those_of_the_unprepared_network(make_critic, make_trained_like, small_stages):
    critic = make_critic(seed=5)
    torch.manual_seed(5)
    net = make_trained_like(StagedClassifier(small_stages, 5), 5)
    images = torch.rand(2, 3, 48, 40)
    with torch.no_grad():
        prepared = critic.preprocessing(images)
        assert torch.allclose(critic.logits(images), net(prepared), rtol=1e-4, atol=1e-4)
        assert torch.allclose(critic(images, ["conv4"])["conv4"], net.stages(prepared), rtol=1e-4, atol=1e-4)
        assert torch.allclose(critic(images, ["logits"])["logits"], net(prepared), rtol=1e-4, atol=1e-4)


def test_the_class_direction_gives_the_logit_up_to_its_bias(small_critic):
    images = torch.rand(1, 3, 40, 56)
    name, vector = small_critic.class_direction(3)
    score = (small_critic(images, [name])[name] * vector.view(1, -1, 1, 1)).sum(1).mean()
    bias = small_critic.net.logits.bias[3]
    assert float(score + bias) == pytest.approx(float(small_critic.logits(images)[0, 3]), abs=1e-5)
