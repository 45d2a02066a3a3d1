"""Shapes by arithmetic are the ones that torch finds, and finding them does not wake torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from quick_values import quick_values
from reverie.critic.layers import trace
from reverie.critic.shapes import ShapesOnly
from reverie.models.build import NAMED, build_classifier, shapes_only
from reverie.models.classifier import STAGES

QUIET = """
import sys
from reverie.critic.open import open_critic
critic = open_critic(device="cpu", precision="fp32")
critic.layer("mixed4b"), critic.min_side, critic.sizes((200, 130)), critic.bytes_per_pixel(["mixed4b"])
critic.field(["mixed4b"])
print([name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules])
"""


def meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


@pytest.mark.parametrize("architecture", [*STAGES, *NAMED])
@pytest.mark.parametrize("size", quick_values([(224, 224), (97, 130)], [(97, 130)]))
def test_traced_shapes_are_those_of_torch(architecture, size):
    with shapes_only():
        net = build_classifier(architecture, 5).eval()
    seen = {}
    for path, module in net.named_modules():
        module.register_forward_hook(lambda _m, _i, out, path=path: seen.update({path: out.shape}))
    net(meta(1, 3, *size))
    traced = dict(trace(net, size))
    assert traced == {path: seen[path] for path in traced}
    assert len(traced) >= len(list(net.children()))


CALLS = {
    "conv": lambda: F.conv2d(meta(2, 6, 17, 23), meta(8, 3, 3, 5), None, (2, 1), (1, 0), (2, 3), 2),
    "conv, one number": lambda: F.conv2d(meta(1, 3, 30, 9), meta(4, 3, 7, 7), meta(4), stride=2, padding=3),
    "conv, same": lambda: F.conv2d(meta(1, 3, 9, 9), meta(4, 3, 3, 3), padding="same"),
    "conv, one picture": lambda: F.conv2d(meta(3, 9, 9), meta(4, 3, 3, 3)),
    "max pool": lambda: F.max_pool2d(meta(1, 4, 13, 14), 3, 2),
    "max pool, up": lambda: F.max_pool2d(meta(1, 4, 13, 14), 3, 2, ceil_mode=True),
    "max pool, up and padded": lambda: F.max_pool2d(meta(1, 4, 8, 9), 2, 3, 1, ceil_mode=True),
    "max pool, apart": lambda: F.max_pool2d(meta(1, 4, 13, 14), (3, 2), (2, 1), (1, 0), 2),
    "max pool, alone": lambda: F.max_pool2d(meta(1, 4, 13, 14), 3),
    "mean pool": lambda: F.avg_pool2d(meta(1, 4, 13, 14), 3, 2, 1, True, False),
    "mean pool, alone": lambda: F.avg_pool2d(meta(1, 4, 13, 14), (2, 5)),
    "times": lambda: meta(2, 3, 4) * meta(2, 3, 4),
    "times, spread": lambda: meta(2, 3, 4) * meta(3, 1),
    "a number and a power": lambda: (1 + 0.5 * meta(2, 3, 4)).pow(-0.75),
    "linear": lambda: F.linear(meta(2, 7, 5), meta(3, 5), meta(3)),
    "cat": lambda: torch.cat([meta(1, 2, 5, 6), meta(1, 9, 5, 6)], 1),
    "cat, from behind": lambda: torch.cat((meta(2, 3), meta(2, 4)), dim=-1),
    "mean": lambda: meta(2, 3, 4, 5).mean(dim=(2, 3)),
    "mean, kept": lambda: meta(2, 3, 4, 5).mean(-1, keepdim=True),
    "mean of all": lambda: meta(2, 3).mean(),
    "pad": lambda: F.pad(meta(1, 2, 5, 6), (1, 0, 2, 3), mode="replicate"),
    "crop": lambda: F.pad(meta(1, 2, 5, 6), (-1, -2)),
    "sum": lambda: meta(2, 3) + meta(2, 3),
    "sum, spread": lambda: meta(2, 3) + meta(4, 1, 3),
    "sum with a number": lambda: meta(2, 3) + 1,
    "batch norm": lambda: F.batch_norm(meta(2, 3, 4, 4), meta(3), meta(3)),
    "relu6": lambda: nn.ReLU6(inplace=True)(meta(2, 3)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_operation_gives_the_shape_that_torch_gives(call):
    expected = call().shape
    with ShapesOnly():
        out = call()
    assert out.shape == expected and out.is_meta


IMPOSSIBLE = {
    "conv": lambda: F.conv2d(meta(1, 3, 4, 9), meta(4, 3, 5, 5)),
    "channels": lambda: F.conv2d(meta(1, 3, 9, 9), meta(4, 2, 3, 3)),
    "pool": lambda: F.max_pool2d(meta(1, 3, 1, 9), 2),
    "mean pool": lambda: F.avg_pool2d(meta(1, 3, 2, 2), 7),
    "linear": lambda: F.linear(meta(1, 3), meta(4, 2)),
    "cat": lambda: torch.cat([meta(1, 2, 5), meta(1, 2, 4)], 1),
    "sum": lambda: meta(2, 3) + meta(2, 4),
}


@pytest.mark.parametrize("call", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_torch_refuses_is_refused(call):
    with pytest.raises(RuntimeError):
        call()
    with ShapesOnly(), pytest.raises(RuntimeError):
        call()


def test_real_tensors_are_computed_as_ever():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU6(), nn.MaxPool2d(2)).eval()
    images = torch.rand(1, 3, 12, 12)
    expected = net(images)
    with ShapesOnly():
        assert torch.equal(net(images), expected)


@pytest.mark.slow
def test_looking_at_the_embedded_network_does_not_wake_the_compiler():
    result = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
