"""Content against its direct formula: in pieces, with a region, levelled, and where there is nothing to keep."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from reverie.objective.base import BASE
from reverie.objective.content import Content
from reverie.objective.levelled import levelled
from reverie.objective.summed import Place


def features(generator: Generator) -> Tensor:
    return torch.randn(1, 3, 6, 5, generator=generator, dtype=torch.float64) + 2


def direct(here: Tensor, there: Tensor, weights: Tensor | None = None) -> Tensor:
    share = torch.ones(1, 1, 6, 5, dtype=torch.float64) if weights is None else weights
    mean = (there * share).sum((2, 3), keepdim=True) / share.sum()
    return -((here - there).square() * share).sum() / ((there - mean).square() * share).sum()


@pytest.mark.parametrize("weighted", [False, True])
def test_content_is_the_squared_distance_over_the_variance(generator, weighted: bool) -> None:
    here, there = features(generator), features(generator)
    weights = torch.rand(1, 1, 6, 5, generator=generator, dtype=torch.float64) if weighted else None
    found = Content("a", weights)({"a": here, BASE + "a": there})
    assert found.shape == (1,)
    assert found.item() == pytest.approx(direct(here, there, weights).item(), rel=1e-9)


def test_the_content_itself_scores_nothing_and_its_mean_minus_one(generator) -> None:
    there = features(generator)
    mean = there.mean((2, 3), keepdim=True).expand_as(there)
    assert Content("a")({"a": there, BASE + "a": there}).item() == 0
    assert Content("a")({"a": mean, BASE + "a": there}).item() == pytest.approx(-1, rel=1e-9)


def test_a_score_of_content_does_not_depend_on_the_scale_of_a_layer(generator) -> None:
    here, there = features(generator), features(generator)
    found = [Content("a")({"a": k * here, BASE + "a": k * there}).item() for k in (1, 100)]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_the_gradient_is_that_of_the_score(generator) -> None:
    leaf, there = features(generator).requires_grad_(True), features(generator)
    assert torch.autograd.gradcheck(lambda a: Content("a")({"a": a, BASE + "a": there}), leaf)


def test_pieces_add_up_to_the_whole(generator) -> None:
    here, there = features(generator), features(generator)
    objective = Content("a", torch.rand(1, 1, 6, 5, generator=generator, dtype=torch.float64))
    parts = [
        objective.sums(
            {"a": here[..., top : top + 3, :], BASE + "a": there[..., top : top + 3, :]}, {"a": Place(top, 0, (6, 5))}
        )
        for top in (0, 3)
    ]
    whole = objective({"a": here, BASE + "a": there}).item()
    assert objective.finish(sum(parts)).item() == pytest.approx(whole, rel=1e-9)


def test_levelled_content_is_that_of_the_softmax(generator) -> None:
    here, there = features(generator), features(generator)
    found = Content("a", softmax=True)({"a": here, BASE + "a": there}).item()
    assert found == pytest.approx(Content("a")({"a": levelled(here), BASE + "a": levelled(there)}).item(), rel=1e-5)


def test_a_flat_content_and_an_empty_region_stay_finite(generator) -> None:
    leaf = features(generator).requires_grad_(True)
    for there in (torch.full_like(leaf, 0.5), torch.zeros_like(leaf)):
        value = Content("a")({"a": leaf, BASE + "a": there.detach()})
        assert torch.isfinite(value).all()
        assert torch.isfinite(torch.autograd.grad(value.sum(), leaf)[0]).all()
    empty = Content("a", torch.zeros(1, 1, 6, 5, dtype=torch.float64))
    assert empty({"a": leaf, BASE + "a": features(generator)}).item() == 0


def test_it_reads_one_layer_of_both_pictures() -> None:
    assert Content("a").layers == Content("a").base_layers == frozenset({"a"})
    assert Content("a").tiling == "summed"
