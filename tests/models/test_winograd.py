"""Winograd's convolutions against torch's own, at every remainder of sides, and how exact they are."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models import winograd
from reverie.models.winograd import Winograd, matrices, pays


def random_of(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_one_axis_is_a_correlation_of_three_taps() -> None:
    outputs, kernel, inputs = matrices()
    taps, signal = random_of(3).double(), random_of(6, seed=1).double()
    found = outputs @ ((kernel @ taps) * (inputs @ signal))
    torch.testing.assert_close(found, signal.unfold(0, 3, 1) @ taps)


@pytest.mark.parametrize("size", [(4, 4), (9, 7), (16, 21), (30, 44), (70, 5)])
@pytest.mark.parametrize("count", [1, 2])
def test_pictures_of_any_size(size: tuple[int, int], count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "STRIP_TILES", 20)  # several strips
    x = random_of(count, 17, *size).contiguous(memory_format=torch.channels_last)
    weight, bias, added = random_of(19, 17, 3, 3, seed=1), random_of(19, seed=2), random_of(count, 19, *size, seed=3)
    added = added.contiguous(memory_format=torch.channels_last)
    apply, plain = Winograd(weight), F.conv2d(x, weight, bias, padding=1)
    close = partial(torch.testing.assert_close, rtol=1e-4, atol=2e-4)
    found = apply(x, bias, relu=False)
    assert found.is_contiguous(memory_format=torch.channels_last)
    close(found, plain)
    close(apply(x, bias, relu=True), plain.relu())
    close(apply(x, bias, relu=True, added=added), (plain + added).relu())
    close(apply(x, None, relu=False), F.conv2d(x, weight, padding=1))


def test_it_is_nearly_as_exact_as_the_plain_sum() -> None:
    x = random_of(1, 128, 32, 32).contiguous(memory_format=torch.channels_last)
    weight = random_of(64, 128, 3, 3, seed=1)
    exact = F.conv2d(x.double(), weight.double(), padding=1)
    error = (Winograd(weight)(x, None, relu=False) - exact).abs().mean() / exact.abs().mean()
    assert error < 3e-6


def test_the_same_bytes_each_time() -> None:
    x = random_of(1, 32, 40, 44).contiguous(memory_format=torch.channels_last)
    apply = Winograd(random_of(48, 32, 3, 3, seed=1))
    one, two = (apply(images, None, relu=False) for images in (x, x.clone()))
    assert torch.equal(one, two)


def test_where_it_pays() -> None:
    weight = torch.zeros(96, 64, 3, 3)
    assert winograd.fits(weight, 1, 1) and not winograd.fits(weight, 2, 1) and not winograd.fits(weight, 1, 0)
    assert not winograd.fits(torch.zeros(64, 64, 3, 3), 1, 1) and not winograd.fits(torch.zeros(96, 64, 5, 5), 1, 2)
    assert pays(torch.Size((1, 32, 32, 48))) and not pays(torch.Size((1, 32, 8, 8)))
