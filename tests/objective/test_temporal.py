"""Staying near what was made before: against a loop over pixels, its gradient, and which anchor counts where."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from reverie.critic.critic import IMAGE, Critic
from reverie.objective import layer
from reverie.objective.temporal import Temporal, not_seen_before
from reverie.optimize.painting import Painting

SIZE = (7, 5)


def picture(generator: Generator) -> Tensor:
    return torch.rand(1, 3, *SIZE, generator=generator, dtype=torch.float64)


def weight(generator: Generator) -> Tensor:
    return torch.rand(1, 1, *SIZE, generator=generator, dtype=torch.float64)


def naive(image: Tensor, target: Tensor, share: Tensor) -> float:
    total = 0.0
    for y in range(SIZE[0]):
        for x in range(SIZE[1]):
            for color in range(3):
                total += float(share[0, 0, y, x]) * float(image[0, color, y, x] - target[0, color, y, x]) ** 2
    return -total / (3 * SIZE[0] * SIZE[1])


def test_it_is_minus_the_weighted_mean_square(generator: Generator) -> None:
    image, target, share = picture(generator), picture(generator), weight(generator)
    found = Temporal(target, share)({IMAGE: image})
    assert found.shape == (1,)
    assert found.item() == pytest.approx(naive(image, target, share), rel=1e-12)


def test_it_reads_the_picture_itself_and_is_named_as_the_critic_names_it() -> None:
    term = Temporal(torch.zeros(1, 3, *SIZE), torch.ones(1, 1, *SIZE))
    assert term.layers == frozenset({IMAGE}) and not term.base_layers
    assert term.tiling == "local"


def test_the_gradient_is_that_of_the_score_and_zero_where_nothing_is_known(generator: Generator) -> None:
    image, target, share = picture(generator).requires_grad_(True), picture(generator), weight(generator)
    share[..., :2] = 0
    term = Temporal(target, share)
    assert torch.autograd.gradcheck(lambda i: term({IMAGE: i}), image)
    (slope,) = torch.autograd.grad(term({IMAGE: image}).sum(), image)
    wanted = -2 * share * (image.detach() - target) / (3 * SIZE[0] * SIZE[1])
    assert torch.allclose(slope, wanted, rtol=1e-12)
    assert (slope[..., :2] == 0).all() and (slope[..., 2:] != 0).all()


def test_it_scores_nothing_at_its_target_and_without_weight(generator: Generator) -> None:
    image, target = picture(generator), picture(generator)
    assert Temporal(target, weight(generator))({IMAGE: target}).item() == 0
    assert Temporal(target, torch.zeros(1, 1, *SIZE))({IMAGE: image}).item() == 0


def test_it_stays_wide_for_half_pictures(generator: Generator) -> None:
    image, target, share = picture(generator), picture(generator), weight(generator)
    half = Temporal(target, share)({IMAGE: image.bfloat16()})
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(naive(image.bfloat16().double(), target, share), rel=1e-5)


def test_beside_a_network_in_tiles_it_counts_once_and_on_the_picture_without_its_margins(
    generator: Generator, small_critic: Critic
) -> None:
    image = torch.rand(1, 3, 70, 90, generator=generator)
    target, share = torch.rand(image.shape, generator=generator), torch.rand(1, 1, 70, 90, generator=generator)
    term = Temporal(target, share)
    painting = Painting(small_critic, 0.1 * layer("conv2") + 50 * term, image)
    whole = painting.judge(image, Generator().manual_seed(0))
    tiled = painting.judge(image, Generator().manual_seed(0), painting.tiles((70, 90), 48))
    direct = -((image - target).square() * share).mean().item()
    assert whole.values[1] == tiled.values[1] == pytest.approx(direct, rel=1e-5)
    assert torch.allclose(whole.gradient, tiled.gradient, atol=1e-6)
    alone = Painting(small_critic, 50 * term, image).judge(image, Generator().manual_seed(0)).gradient
    assert torch.allclose(alone, -100 * share * (image - target) / (3 * 70 * 90), atol=1e-8)


def test_farther_anchors_count_where_no_nearer_one_sees(generator: Generator) -> None:
    """Equation 10 of the paper: c_long = max(c - sum of the nearer ones, 0)."""
    weights = [weight(generator) for _ in range(4)]
    found = not_seen_before(weights)
    assert torch.equal(found[0], weights[0])
    covered = torch.zeros_like(weights[0])
    for given, kept in zip(weights, found, strict=True):
        assert torch.allclose(kept, (given - covered).clamp(min=0))
        covered = covered + given
    assert sum(found).max() <= 1  # type: ignore[union-attr]


def test_hard_masks_are_shared_out_to_the_nearest() -> None:
    near, far = torch.tensor([1.0, 1, 0, 0]), torch.tensor([1.0, 0, 1, 0])
    assert [w.tolist() for w in not_seen_before([near, far])] == [[1, 1, 0, 0], [0, 0, 1, 0]]
    assert not_seen_before([]) == []
