"""The response norm in one pass, and its gradient, against torch's operations one by one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reverie.models import fused_response
from reverie.models.caffe_googlenet import ResponseNorm
from reverie.models.fused_response import FusedResponseNorm, fits


@pytest.mark.parametrize("alpha", [1e-4, 0.4096])
@pytest.mark.parametrize(("channels", "block"), [(64, 1 << 16), (7, 100), (64, 650)])
def test_values_and_gradients(channels: int, block: int, alpha: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_response, "BLOCK", block)
    random = torch.Generator().manual_seed(3)
    x = (3 * torch.randn(2, channels, 9, 5, generator=random)).contiguous(memory_format=torch.channels_last)
    slope = torch.randn(x.shape, generator=random)
    plain, quick = ResponseNorm(alpha), FusedResponseNorm(ResponseNorm(alpha))
    (y, dx), (found, found_dx) = ((lambda leaf: (norm(leaf), torch.autograd.grad(norm(leaf), leaf, slope)[0]))(
        x.clone().requires_grad_(True)) for norm in (plain, quick))  # fmt: skip
    torch.testing.assert_close(found, y, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found_dx, dx, rtol=1e-4, atol=1e-5)


def test_behind_a_relu_nothing_goes_back_where_it_was_shut() -> None:
    norm = FusedResponseNorm(ResponseNorm(0.4))
    norm.behind_relu = True
    x = torch.randn(1, 16, 4, 4).relu().contiguous(memory_format=torch.channels_last).requires_grad_(True)
    (found,) = torch.autograd.grad(norm(x).sum(), x)
    assert not found[x == 0].any() and found[x > 0].all()


def test_only_the_known_kind_is_replaced() -> None:
    assert fits(ResponseNorm()) and fits(nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0))
    assert not fits(nn.LocalResponseNorm(5, k=2.0)) and not fits(nn.LocalResponseNorm(3)) and not fits(nn.ReLU())
