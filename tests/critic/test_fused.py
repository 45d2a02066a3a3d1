"""Fused networks compute what the plain ones do, gradients included, and are chosen only where a record says so."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quick_values import quick_values
from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.critic.fuse import FIRST, fuse
from reverie.critic.open import open_critic, open_network
from reverie.critic.precision import Precision, can_fuse, resolve_for_gradients, resolve_precision
from reverie.models import fused
from reverie.optimize.redirect import redirected_relu

CPU = torch.device("cpu")
needs_operators = pytest.mark.skipif(not fused.available(), reason="torch without oneDNN's operators")
CASES = (
    ("embedded", None, ("mixed4b",)),
    ("embedded", None, ("conv3", "mixed3b", "mixed4a")),  # what a max pool would take over is looked at itself
    ("embedded-2", None, ("mixed4b",)),
    ("embedded-2", None, ("conv1", "conv2", "mixed3a")),
    ("googlenet", "random", ("inception4a",)),
    ("googlenet", "random", ("conv3", "inception3b")),
    ("vgg16", "random", ("relu2_2", "relu3_1")),
    ("vgg11", "random", ("conv3_1",)),  # inside of what is fused: the plain network
    ("resnet18", "random", ("layer2",)),
    ("squeezenet1_1", "random", ("fire4",)),
)
LATER = (  # what the second extent has beyond that
    ("embedded-2", None, ("mixed4c",)),
    ("embedded-2", None, ("conv1", "conv2", "mixed3a")),  # what a norm would take over is looked at itself
    ("resnet18", "random", ("layer1", "layer3")),
    ("resnet50", "random", ("layer2",)),
    ("googlenet-caffe", "random", ("inception_3b/output",)),
)


def pictures(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(5))


def gradient(critic: Critic, images: Tensor, names: tuple[str, ...]) -> tuple[dict[str, Tensor], Tensor]:
    leaf = images.clone().requires_grad_(True)
    found = critic(leaf, names)
    (slope,) = torch.autograd.grad(sum(a.square().mean() for a in found.values()), leaf)  # type: ignore[arg-type]
    return {name: a.detach() for name, a in found.items()}, slope


@needs_operators
@pytest.mark.parametrize("size", quick_values([(96, 80), (83, 77)], [(83, 77)]))
@pytest.mark.parametrize("precision", ["fp32-fused", "fp32-fused-2"])
@pytest.mark.parametrize(("model", "weights", "names"), CASES)
def test_activations_and_gradients_agree_with_the_plain_network(
    model: str, weights: str | None, names: tuple[str, ...], size: tuple[int, int], precision: Precision
) -> None:
    agree(model, weights, names, size, precision)


@needs_operators
@pytest.mark.parametrize("size", quick_values([(128, 160), (83, 77)], [(83, 77)]))
@pytest.mark.parametrize(("model", "weights", "names"), LATER)
def test_further_networks_agree_in_the_second_extent(
    model: str, weights: str | None, names: tuple[str, ...], size: tuple[int, int]
) -> None:
    assert agree(model, weights, names, size, "fp32-fused-2")._fused is not None


network = functools.lru_cache(1)(open_network)  # tests of one network follow each other


@functools.lru_cache(2)
def opened(model: str, weights: str | None, precision: Precision) -> Critic:
    return Critic(*network(model, weights), precision=precision)


def agree(
    model: str, weights: str | None, names: tuple[str, ...], size: tuple[int, int], precision: Precision
) -> Critic:
    plain, quick = opened(model, weights, "fp32"), opened(model, weights, precision)
    (seen, slope), (seen_quick, slope_quick) = (gradient(c, pictures(*size), names) for c in (plain, quick))
    for name in names:
        torch.testing.assert_close(seen_quick[name], seen[name], rtol=1e-4, atol=1e-5 * seen[name].abs().max().item())
    # where two places of a window are equal but for rounding, a max pool sends the gradient to the other one
    assert (slope_quick - slope).norm() <= 5e-3 * slope.norm()
    rounding = 1e-4 if precision == "fp32-fused-2" else 1e-5  # Winograd's sums are of larger numbers: 3.6e-5 was seen
    assert (slope_quick - slope).abs().median() <= rounding * slope.abs().mean()
    return quick


@needs_operators
def test_kernels_of_all_strides_send_gradients_back_as_torch_does() -> None:
    random = torch.Generator().manual_seed(1)
    for side, step, padding, length in ((1, 1, 0, 9), (3, 1, 1, 9), (3, 2, 1, 12), (5, 2, 2, 12), (7, 2, 3, 16),
                                        (7, 2, 3, 15), (9, 2, 4, 18), (11, 4, 2, 31), (3, 1, 0, 9)):  # fmt: skip
        weight = torch.randn(6, 5, side, side, generator=random)
        x = torch.randn(2, 5, length, length + 2, generator=random).requires_grad_(True)
        y = F.conv2d(x, weight, None, step, padding)
        slope = torch.randn(y.shape, generator=random)
        (expected,) = torch.autograd.grad(y, x, slope)
        kernel = fused.Kernel(weight, None, step, padding)
        found = kernel.gradient(slope.contiguous(memory_format=torch.channels_last), x.shape)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@needs_operators
def test_dead_relus_are_redirected_in_the_plain_network() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
    nn.init.constant_(net[0].bias, -100.0)  # type: ignore[arg-type]
    how = Preprocessing((0.0,) * 3, (1.0,) * 3)
    critic = Critic(net, how, Identity("dead"), device="cpu", precision="fp32-fused")
    images = pictures(8, 8).requires_grad_(True)
    (none,) = torch.autograd.grad(critic(images, ("1",))["1"].sum(), images)
    assert not none.any()
    with redirected_relu():
        (some,) = torch.autograd.grad(critic(images, ("1",))["1"].sum(), images)
    assert some.any()


@needs_operators
def test_weights_are_shared_and_what_is_not_known_stays() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=2), nn.ReLU())
    made = fuse(net.requires_grad_(False), 16)
    assert made is not None and made.hidden == {"0"}
    assert made.net[2].weight is net[2].weight  # type: ignore[index]
    assert fuse(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Sigmoid()), 16) is None


@needs_operators
def test_the_first_extent_leaves_alone_what_it_did_not_know() -> None:
    net = open_critic("embedded-2", device="cpu", precision="fp32").net
    first, second = fuse(net, 96, FIRST), fuse(net, 96)
    assert first is not None and second is not None
    kinds = [{type(module).__name__ for module in made.net.modules()} for made in (first, second)]
    assert {"Branches", "ResponseNorm"} <= kinds[0] and not {"FusedInception", "FusedResponseNorm"} & kinds[0]
    assert {"FusedInception", "FusedResponseNorm"} <= kinds[1] and "ResponseNorm" not in kinds[1]
    assert not any(conv.kernel.tiled for _, conv in first.later) and any(conv.kernel.tiled for _, conv in second.later)


def test_only_who_records_it_gets_fused_arithmetic_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.critic.precision.bf16_is_faster", lambda _: False)
    monkeypatch.setattr("reverie.critic.precision.available", lambda: True)
    assert resolve_precision("auto", CPU) == "fp32" and resolve_for_gradients("auto", CPU) == "fp32-fused-2"
    assert resolve_for_gradients("fp32", CPU) == "fp32"
    assert resolve_for_gradients("auto", torch.device("meta")) == "fp32"
    monkeypatch.setattr("reverie.critic.precision.available", lambda: False)
    assert resolve_for_gradients("auto", CPU) == "fp32" and not can_fuse("fp32-fused", CPU)


def test_without_the_operators_fp32_fused_is_plain_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.critic.precision.available", lambda: False)
    plain, other = (open_critic("embedded", device="cpu", precision=p) for p in ("fp32", "fp32-fused"))
    one, two = (gradient(c, pictures(64, 64), ("mixed3a",))[1] for c in (plain, other))
    assert torch.equal(one, two)
