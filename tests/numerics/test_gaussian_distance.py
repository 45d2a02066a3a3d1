"""The Wasserstein distance of Gaussians: values and gradients against eigenvalues and singular values by autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from reverie.numerics.gaussian_distance import root_of, trace_of_root, trace_of_root_by_iteration


def samples(channels: int, count: int, generator: Generator) -> Tensor:
    return torch.randn(channels, count, generator=generator, dtype=torch.float64)


def covariance(channels: int, count: int, generator: Generator) -> Tensor:
    values = samples(channels, count, generator)
    return values @ values.mT / count


@pytest.mark.parametrize("count", [2, 40])
def test_the_root_squares_to_the_matrix_full_or_not(generator, count: int) -> None:
    matrix = covariance(6, count, generator)
    root = root_of(matrix)
    assert torch.allclose(root @ root, matrix, atol=1e-10)
    assert torch.allclose(root, root.mT, atol=1e-12)
    assert torch.linalg.eigvalsh(root).min() > -1e-10


def test_a_slightly_negative_eigenvalue_counts_as_zero() -> None:
    assert torch.equal(
        root_of(torch.diag(torch.tensor([4.0, -1e-9]).double())), torch.diag(torch.tensor([2.0, 0.0]).double())
    )


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_the_trace_is_that_of_the_root_of_the_product(generator, channels: int) -> None:
    first, second = covariance(channels, 40, generator), covariance(channels, 40, generator)
    direct = torch.linalg.eigvals(first @ second).real.clamp(min=0).sqrt().sum()
    assert trace_of_root(first, root_of(second)).item() == pytest.approx(direct.item(), rel=1e-9)


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_the_gradient_is_that_of_the_eigenvalues(generator, channels: int) -> None:
    leaf = covariance(channels, 40, generator).requires_grad_(True)
    root = root_of(covariance(channels, 40, generator))
    (found,) = torch.autograd.grad(3 * trace_of_root(leaf, root), leaf)
    (expected,) = torch.autograd.grad(3 * torch.linalg.eigvalsh(root @ leaf @ root).sqrt().sum(), leaf)
    assert torch.allclose(found, (expected + expected.mT) / 2, rtol=1e-8, atol=1e-10)


def test_equal_eigenvalues_do_no_harm() -> None:
    leaf = torch.eye(4, dtype=torch.float64).requires_grad_(True)
    (found,) = torch.autograd.grad(trace_of_root(leaf, torch.eye(4, dtype=torch.float64)), leaf)
    assert torch.allclose(found, 0.5 * torch.eye(4, dtype=torch.float64))


def test_where_features_are_fewer_than_channels_the_gradient_is_that_of_singular_values(generator) -> None:
    leaf = samples(8, 3, generator).requires_grad_(True)
    root = root_of(covariance(8, 40, generator))
    value = trace_of_root(leaf @ leaf.mT, root)
    direct = torch.linalg.svdvals(root @ leaf).sum()
    assert value.item() == pytest.approx(direct.item(), rel=1e-6)
    (found,), (expected,) = (torch.autograd.grad(x, leaf) for x in (value, direct))
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_singular_target_and_no_features_at_all_stay_finite(generator) -> None:
    root = root_of(covariance(6, 2, generator))
    for matrix in (covariance(6, 40, generator), torch.zeros(6, 6, dtype=torch.float64)):
        leaf = matrix.requires_grad_(True)
        for trace in (trace_of_root, trace_of_root_by_iteration):
            value = trace(leaf, root)
            (found,) = torch.autograd.grad(value, leaf)
            assert torch.isfinite(value) and torch.isfinite(found).all(), trace


def test_iterations_approach_the_root_from_below_and_reach_it(generator) -> None:
    matrix, root = covariance(6, 60, generator), root_of(covariance(6, 60, generator))
    exact = trace_of_root(matrix, root).item()
    found = [trace_of_root_by_iteration(matrix, root, n).item() for n in (2, 4, 8, 12, 40)]
    assert found == sorted(found) and found[0] < 0.95 * exact
    assert found[-1] == pytest.approx(exact, rel=1e-9)


def test_the_iterations_have_the_gradient_of_the_root_once_they_have_reached_it(generator) -> None:
    leaf, root = covariance(4, 60, generator).requires_grad_(True), root_of(covariance(4, 60, generator))
    (found,) = torch.autograd.grad(trace_of_root_by_iteration(leaf, root, 40), leaf)
    (exact,) = torch.autograd.grad(trace_of_root(leaf, root), leaf)
    assert torch.allclose((found + found.mT) / 2, exact, rtol=1e-6, atol=1e-9)


def test_weak_directions_are_left_behind_after_twelve_iterations() -> None:
    weak = torch.diag(torch.tensor([1.0, 1e-10], dtype=torch.float64))
    identity = torch.eye(2, dtype=torch.float64)
    share = trace_of_root_by_iteration(weak, identity).item() - 1
    assert 0 < share < 0.5 * 1e-5
