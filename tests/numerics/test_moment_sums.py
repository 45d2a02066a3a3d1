"""Sums of moments against their definition, in pieces, with weights, in any memory order, and their gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from reverie.numerics import moment_sums as module
from reverie.numerics.moment_sums import moment_sums


def naive(activation: Tensor, weights: Tensor | None = None) -> Tensor:
    rows = activation[0].flatten(1).double()
    wide = torch.cat([rows, torch.ones(1, rows.shape[1], dtype=torch.float64)])
    share = torch.ones(rows.shape[1], dtype=torch.float64) if weights is None else weights.flatten().double()
    return (wide * share) @ wide.mT


def features(generator: Generator, channels: int = 5, height: int = 7, width: int = 6) -> Tensor:
    return torch.randn(1, channels, height, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("piece", [1, 10, 1 << 16])
def test_sums_are_those_of_the_definition(generator, monkeypatch, weighted: bool, piece: int) -> None:
    monkeypatch.setattr(module, "PIECE", piece)
    activation = features(generator)
    weights = torch.rand(1, 1, 7, 6, generator=generator, dtype=torch.float64) if weighted else None
    found = moment_sums(activation, weights)
    assert torch.allclose(found, naive(activation, weights), rtol=1e-12, atol=1e-12)
    assert torch.allclose(found, found.mT, rtol=1e-13)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 3, 4), (1, 4, 1, 1), (1, 3, 1, 5)])
def test_the_smallest_activations_count_too(generator, shape: tuple[int, int, int, int]) -> None:
    activation = torch.randn(shape, generator=generator, dtype=torch.float64)
    assert torch.allclose(moment_sums(activation), naive(activation), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_the_sums(generator, monkeypatch, weighted: bool) -> None:
    monkeypatch.setattr(module, "PIECE", 4)
    activation = features(generator, 3, 3, 4).requires_grad_(True)
    weights = torch.rand(1, 1, 3, 4, generator=generator, dtype=torch.float64) if weighted else None
    assert torch.autograd.gradcheck(lambda a: moment_sums(a, weights), activation)


def test_the_order_in_memory_changes_nothing(generator) -> None:
    plain = features(generator, 4, 6, 5)
    wide = torch.nn.functional.pad(plain, (2, 3, 1, 2))
    slopes = torch.randn(5, 5, generator=generator, dtype=torch.float64)
    found = []
    for leaf in (plain.clone(), plain.clone(memory_format=torch.channels_last), wide[..., 1:7, 2:7]):
        leaf = leaf.detach().requires_grad_(True)
        sums = moment_sums(leaf)
        (gradient,) = torch.autograd.grad((sums * slopes).sum(), leaf)
        found.append((sums.detach(), gradient))
    for sums, gradient in found[1:]:
        assert torch.allclose(sums, found[0][0]) and torch.allclose(gradient, found[0][1])


def test_pieces_of_a_picture_add_up(generator) -> None:
    activation = features(generator)
    parts = moment_sums(activation[..., :3]) + moment_sums(activation[..., 3:])
    assert torch.allclose(parts, moment_sums(activation))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_narrow_numbers_are_summed_in_float32_and_get_a_gradient_of_their_own_kind(generator, dtype) -> None:
    leaf = features(generator).to(dtype).requires_grad_(True)
    found = moment_sums(leaf)
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), naive(leaf.detach()), rtol=1e-4, atol=1e-4)
    (gradient,) = torch.autograd.grad(found.sum(), leaf)
    assert gradient.dtype == dtype and gradient.shape == leaf.shape
