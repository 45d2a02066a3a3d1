"""Scores of moments against direct formulas in float64, piece by piece, with regions, blends and empty places."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from reverie.errors import InputError
from reverie.numerics.moment_sums import moment_sums
from reverie.objective.covariance import Covariance
from reverie.objective.gram import Gram
from reverie.objective.levelled import levelled
from reverie.objective.mean_deviation import FLAT, MeanDeviation
from reverie.objective.moments import Moments, blend, mean_moments
from reverie.objective.summed import Place
from reverie.objective.wasserstein import RIDGE, Wasserstein

SCORES = (Wasserstein, Gram, Covariance, MeanDeviation)


def features(generator: Generator, channels: int = 4, scale: float = 1.0, height: int = 6, width: int = 5) -> Tensor:
    values = torch.randn(1, channels, height, width, generator=generator, dtype=torch.float64)
    return scale * values + 0.5 * torch.arange(channels, dtype=torch.float64).view(1, -1, 1, 1)


def rows(activation: Tensor) -> Tensor:
    return activation[0].flatten(1)


def moments(activation: Tensor) -> Tensor:
    return mean_moments(moment_sums(activation))


def direct_gram(here: Tensor, there: Tensor) -> Tensor:
    first, second = (x @ x.mT / x.shape[1] for x in (here, there))
    return (first - second).square().mean()


def direct_covariance(here: Tensor, there: Tensor) -> Tensor:
    first, second = (torch.cov(x, correction=0).reshape(len(x), len(x)) for x in (here, there))
    return (first - second).square().mean() + (here.mean(1) - there.mean(1)).square().mean()


def direct_deviation(here: Tensor, there: Tensor) -> Tensor:
    least = FLAT * there.square().mean()
    first, second = ((x.var(1, correction=0) + least).sqrt() for x in (here, there))
    return (here.mean(1) - there.mean(1)).square().mean() + (first - second).square().mean()


def direct_wasserstein(here: Tensor, there: Tensor) -> Tensor:
    first, second = (torch.cov(x, correction=0).reshape(len(x), len(x)) for x in (here, there))
    ridge = RIDGE * second.diagonal().mean() * torch.eye(len(here), dtype=torch.float64)
    first, second = first + ridge, second + ridge
    shared = torch.linalg.eigvals(first @ second).real.clamp(min=0).sqrt().sum()
    return ((here.mean(1) - there.mean(1)).square().sum() + first.trace() + second.trace() - 2 * shared) / len(here)


DIRECT = {
    Gram: direct_gram,
    Covariance: direct_covariance,
    MeanDeviation: direct_deviation,
    Wasserstein: direct_wasserstein,
}


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("channels", [1, 4])
def test_a_score_is_minus_its_formula(generator, score: type[Moments], channels: int) -> None:
    here, there = features(generator, channels), features(generator, channels, 1.7, 7, 9)
    found = score("a", moments(there))({"a": here})
    assert found.shape == (1,)
    assert found.item() == pytest.approx(-DIRECT[score](rows(here), rows(there)).item(), rel=1e-8)


@pytest.mark.parametrize("score", SCORES)
def test_the_same_statistics_in_other_places_score_nothing(generator, score: type[Moments]) -> None:
    there = features(generator)
    order = torch.randperm(30, generator=generator)
    here = rows(there)[:, order].reshape(there.shape)
    assert abs(score("a", moments(there))({"a": here}).item()) < 1e-9


@pytest.mark.parametrize("score", SCORES)
def test_the_gradient_is_that_of_the_score(generator, score: type[Moments]) -> None:
    leaf = features(generator, 3, 1.0, 4, 4).requires_grad_(True)
    objective = score("a", moments(features(generator, 3, 1.5)))
    assert torch.autograd.gradcheck(lambda a: objective({"a": a}), leaf)


@pytest.mark.parametrize("score", SCORES)
def test_pieces_add_up_to_the_whole(generator, score: type[Moments]) -> None:
    here = features(generator)
    weights = torch.rand(1, 1, 6, 5, generator=generator, dtype=torch.float64)
    objective = score("a", moments(features(generator, 4, 1.5)), weights)
    parts = [
        objective.sums({"a": here[..., top : top + 3, left : left + 3]}, {"a": Place(top, left, (6, 5))})
        for top in (0, 3)
        for left in (0, 3)
    ]
    assert objective.finish(sum(parts)).item() == pytest.approx(objective({"a": here}).item(), rel=1e-9)


@pytest.mark.parametrize("score", SCORES)
def test_only_positions_of_the_region_count(generator, score: type[Moments]) -> None:
    here = features(generator)
    weights = torch.zeros(1, 1, 6, 5, dtype=torch.float64)
    weights[..., :3, :] = 1
    target = moments(features(generator, 4, 1.5))
    expected = score("a", target)({"a": here[..., :3, :]}).item()
    assert score("a", target, weights)({"a": here}).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("score", SCORES)
def test_an_empty_region_scores_nothing_and_pulls_nowhere(generator, score: type[Moments]) -> None:
    leaf = features(generator).requires_grad_(True)
    weights = torch.zeros(1, 1, 6, 5, dtype=torch.float64)
    found = score("a", moments(features(generator)), weights)({"a": leaf})
    assert found.item() == 0


@pytest.mark.parametrize("score", [*SCORES, lambda name, target: Wasserstein(name, target, iterated=True)])
def test_flat_features_and_flat_targets_stay_finite(generator, score) -> None:
    flat = torch.full((1, 4, 6, 5), 0.3, dtype=torch.float64)
    zero = torch.zeros(1, 4, 6, 5, dtype=torch.float64)
    for here in (flat, zero, features(generator)):
        for there in (flat, zero, features(generator)):
            leaf = here.clone().requires_grad_(True)
            value = score("a", moments(there))({"a": leaf})
            (gradient,) = torch.autograd.grad(value.sum(), leaf)
            assert torch.isfinite(value).all() and torch.isfinite(gradient).all()


def test_fewer_positions_than_channels_have_a_finite_gradient(generator) -> None:
    leaf = features(generator, 12, 1.0, 2, 2).requires_grad_(True)
    value = Wasserstein("a", moments(features(generator, 12, 2.0, 2, 3)))({"a": leaf})
    (gradient,) = torch.autograd.grad(value.sum(), leaf)
    expected = -direct_wasserstein(rows(leaf.detach()), rows(features(generator, 12)))
    assert torch.isfinite(gradient).all() and torch.isfinite(expected)


def test_iterations_take_the_distance_for_larger_than_it_is(generator) -> None:
    here, target = features(generator), moments(features(generator, 4, 1.5))
    exact = Wasserstein("a", target)({"a": here}).item()
    iterated = Wasserstein("a", target, iterated=True)({"a": here}).item()
    assert iterated <= exact + 1e-12
    assert iterated == pytest.approx(exact, rel=0.3)


def test_levelled_activations_are_a_softmax_over_channels(generator) -> None:
    activation = features(generator)
    found = levelled(activation)
    assert torch.allclose(found.mean(1), torch.ones(1, 6, 5).to(found))
    powers = activation.exp()
    assert torch.allclose(found.double(), 4 * powers / powers.sum(1, keepdim=True), rtol=1e-5)
    assert levelled(1e4 * activation).isfinite().all()
    assert levelled(activation.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("score", SCORES)
def test_scores_of_levelled_activations_are_those_of_the_softmax(generator, score: type[Moments]) -> None:
    here, target = features(generator), moments(levelled(features(generator)))
    assert score("a", target, softmax=True)({"a": here}).item() == pytest.approx(
        score("a", target)({"a": levelled(here)}).item(), rel=1e-6
    )


def test_blended_moments_are_those_of_a_mixture(generator) -> None:
    first, second = features(generator), features(generator, 4, 2.0)
    mixed = blend([moments(first), moments(second)], [3, 1])
    together = torch.cat([first, first, first, second], 3)
    assert torch.allclose(mixed, moments(together))
    assert blend([moments(first), moments(second)], [1, 0])[0, 0] == moments(first)[0, 0]


def test_negative_weights_repel_and_zero_weights_are_refused(generator) -> None:
    first, second = moments(features(generator)), moments(features(generator))
    assert torch.allclose(blend([first, second], [3, -1]), 0.75 * first - 0.25 * second)
    for weights in ([0, 0], [float("nan"), 1]):
        with pytest.raises(InputError, match="zero"):
            blend([first, second], weights)


def test_a_style_without_visible_area_is_refused(generator) -> None:
    with pytest.raises(InputError, match="no visible area"):
        mean_moments(moment_sums(features(generator), torch.zeros(1, 1, 6, 5)))
