"""Smallest side, stride and receptive field, against brute force and against the textbook's formula."""

import pytest
import torch
from torch import nn

from reverie.critic.critic import PASS_FACTORS, PIXEL_BYTES, Critic, Identity, Preprocessing
from reverie.critic.families import sequential_names
from reverie.critic.layers import allocated_elements, list_layers, receptive_field, smallest_side, trace
from reverie.critic.run import run_until
from reverie.models.build import build_classifier, shapes_only
from reverie.models.classifier import STAGES, Stage, StagedClassifier
from reverie.weights.vision import torchvision


class Cut(nn.Module):
    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x)


def chain_field(kernels_and_strides: list[tuple[int, int]]) -> int:
    """Field of a chain: every kernel adds (k - 1) times the stride before it (Araujo et al. 2019, equation 2)."""
    field, jump = 1, 1
    for kernel, stride in kernels_and_strides:
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field


def field(net: nn.Module, path: str, stride: int):
    return receptive_field(net, lambda copied, images: run_until(copied, images, [path])[path], stride)


@pytest.mark.parametrize("architecture", ["vgg", "resnet18", "squeezenet1_1", "alexnet", "vgg11"])
def test_the_smallest_side_by_bisection_is_the_one_of_brute_force(architecture):
    with shapes_only():
        net = build_classifier(architecture, 5).eval()

    def works(side: int) -> bool:
        try:
            net(torch.empty(1, 3, side, side, device="meta"))
        except (RuntimeError, ValueError):
            return False
        return True

    least = smallest_side(net)
    sides = range(max(1, least - 12), least + 9)
    assert [side for side in sides if works(side)] == list(range(least, least + 9))


def test_the_smallest_side_holds_for_real_pictures_too(small_critic):
    least = small_critic.min_side
    assert small_critic.logits(torch.rand(1, 3, least, least)).shape == (1, 5)
    with pytest.raises(RuntimeError):
        small_critic.logits(torch.rand(1, 3, least - 1, least - 1))


STRIDES = {
    "inception": {"conv1": 1, "conv3": 2, "mixed3a": 4, "mixed4b": 8, "mixed5b": 16},
    "vgg": {"conv1_1": 1, "conv2_2": 2, "conv3_1": 4, "conv4_3": 8, "conv5_2": 16},
    "rep": {"conv1": 1, "rep2a": 2, "rep3c": 4, "rep4b": 8, "rep5b": 16},
    "resnet18": {"conv1": 2, "layer1": 4, "layer2": 8, "layer3": 16, "layer4": 32, "avgpool": 0, "fc": 0},
    "googlenet": {"conv1": 2, "conv3": 4, "inception3a": 8, "inception4c": 16, "inception5b": 32},
    "inception_v3": {"Conv2d_2a_3x3": 2, "Mixed_5d": 8, "Mixed_6b": 16, "Mixed_7c": 32},
    "squeezenet1_1": {"features.0": 2, "features.3": 4, "features.7": 8, "features.12": 16, "classifier.1": 16},
    "alexnet": {"features.0": 4, "features.3": 8, "features.8": 16, "features.12": 32},
    "vgg16": {"features.0": 1, "features.21": 8, "features.22": 8, "features.30": 32, "classifier.0": 0},
    "densenet121": {"features.conv0": 2, "features.denseblock3": 16, "features.denseblock4": 32},
    "mobilenet_v2": {"features.0": 2, "features.13": 16, "features.18": 32},
}


@pytest.mark.parametrize("architecture", sorted(STRIDES))
def test_strides_are_exact_also_where_unpadded_borders_shrink_the_maps(architecture):
    with shapes_only():
        net = build_classifier(architecture, 5).eval()
    strides = {layer.path.removeprefix("stages."): layer.stride for layer in list_layers(net, 299, {})}
    assert {name: strides[name] for name in STRIDES[architecture]} == STRIDES[architecture]


def test_fields_of_vgg16_are_those_of_the_formula():
    with shapes_only():
        features = torchvision().models.vgg16(weights=None, init_weights=False).features[:23]
    net = Cut(features.to_empty(device="cpu")).eval()
    chain = [(m.kernel_size, m.stride) for m in features if not isinstance(m, nn.ReLU)]
    chain = [(k if isinstance(k, int) else k[0], s if isinstance(s, int) else s[0]) for k, s in chain]
    alias = sequential_names(net)
    assert chain_field(chain) == 92
    assert field(net, alias["relu4_3"], 8).full_px == 92
    assert field(net, alias["relu3_3"], 4).full_px == 40
    assert field(net, alias["conv1_2"], 1).full_px == 5
    assert field(net, alias["pool2"], 4).full_px == 16


def test_fields_of_the_embedded_chain_are_those_of_the_formula():
    narrow = tuple(Stage(s.name, s.kind, 8, s.pool, s.stride) for s in STAGES["vgg"])
    net, chain = StagedClassifier(narrow, 3).eval(), []
    for stage in narrow:
        chain += [(3, 2)] if stage.pool != "none" else []
        chain += [(3, stage.stride)]
        measured = field(net, f"stages.{stage.name}", 16)
        assert measured.full_px == chain_field(chain), stage.name
        assert measured.effective_px <= measured.full_px


def test_the_field_of_a_branching_network_is_that_of_its_longest_path():
    net = build_classifier("googlenet", 3).eval()
    stem = [(7, 2), (3, 2), (1, 1), (3, 1), (3, 2)]  # each inception block of torchvision reaches as far as one 3 x 3
    assert field(net, "inception3a", 8).full_px == chain_field([*stem, (3, 1)])
    assert field(net, "inception4c", 16).full_px == chain_field([*stem, (3, 1), (3, 1), (3, 2), *[(3, 1)] * 3])


def test_most_of_the_influence_lies_inside_the_effective_field():
    chain = nn.Sequential(*[nn.Conv2d(1 if i else 3, 1, 3, padding=1) for i in range(40)])
    critic = Critic(chain, Preprocessing((0, 0, 0), (1, 1, 1)), Identity("chain", input_px=16))
    measured = critic.field(["39"])
    assert measured.full_px == 81
    # 40 averages of three places make a Gaussian of variance 40 * 2 / 3; 99.95 % of it lie within 3.48 deviations
    assert measured.effective_px == pytest.approx(2 * 3.48 * (80 / 3) ** 0.5, abs=4)


def test_the_field_of_several_layers_is_the_deepest_ones_and_the_stride_the_largest(small_critic):
    assert small_critic.field(["conv4", "conv1"]) == small_critic.field(["conv4"])
    assert small_critic.field(["conv1"]).full_px == 3
    assert small_critic.stride(["conv1", "conv4", "image"]) == 8
    assert small_critic.stride(["image"]) == 1
    assert small_critic.halo(["conv1"]) < small_critic.halo(["mixed3"]) < small_critic.halo(["conv4"])


def test_memory_per_pixel_grows_with_depth_and_nearly_halves_in_bf16(small_critic):
    shallow, deep = small_critic.bytes_per_pixel(["conv1"]), small_critic.bytes_per_pixel(["conv4"])
    assert PIXEL_BYTES < shallow < deep
    half = Critic(small_critic.net, small_critic.preprocessing, small_critic.identity, precision="bf16")
    ratio = PASS_FACTORS[torch.bfloat16] / PASS_FACTORS[torch.float32] / 2
    assert half.bytes_per_pixel(["conv4"]) - PIXEL_BYTES == pytest.approx((deep - PIXEL_BYTES) * ratio, rel=0.01)


def test_only_outputs_with_memory_of_their_own_are_counted():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Identity(), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.ReLU())
    assert allocated_elements(net, trace(net, (16, 16)), "2") == 8 * 16 * 16
    assert allocated_elements(net, trace(net, (16, 16)), "4") == 8 * 16 * 16 + 2 * 8 * 8 * 8
