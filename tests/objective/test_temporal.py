"""Staying near a moved picture: the formula, its gradient, and who counts where."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.objective.layer import layer
from reverie.objective.temporal import IMAGE, Temporal, not_seen_before
from reverie.optimize.two_pass import TwoPass


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=Generator().manual_seed(seed))


def test_it_is_the_formula() -> None:
    """Minus the sum over places and colors of weight * difference squared, by the number of both."""
    image, target, weight = drawn(1, 3, 5, 7), drawn(1, 3, 5, 7, seed=1), drawn(1, 1, 5, 7, seed=2)
    wanted = 0.0
    for y in range(5):
        for x in range(7):
            for c in range(3):
                wanted -= (weight[0, 0, y, x] * (image[0, c, y, x] - target[0, c, y, x]) ** 2).item() / (3 * 5 * 7)
    assert Temporal(target, weight)({IMAGE: image}).tolist() == pytest.approx([wanted], rel=1e-12)
    assert Temporal(image, weight)({IMAGE: image}).item() == 0
    assert Temporal(target, weight * 0)({IMAGE: image}).item() == 0


def test_its_gradient_pulls_to_the_target_where_it_is_seen() -> None:
    image, target, weight = drawn(1, 3, 4, 6).requires_grad_(), drawn(1, 3, 4, 6, seed=1), drawn(1, 1, 4, 6, seed=2)
    weight[..., :2] = 0
    term = Temporal(target, weight)
    assert torch.autograd.gradcheck(lambda x: term({IMAGE: x}), image)
    (gradient,) = torch.autograd.grad(term({IMAGE: image}).sum(), image)
    wanted = 2 * weight * (target - image) / (3 * 4 * 6)
    assert torch.allclose(gradient, wanted, rtol=1e-12)
    assert (gradient[..., :2] == 0).all()


def test_half_precision_is_compared_in_single() -> None:
    image, target = drawn(1, 3, 8, 8).bfloat16(), drawn(1, 3, 8, 8, seed=1).float()
    found = Temporal(target, torch.ones(1, 1, 8, 8))({IMAGE: image})
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(-(image.float() - target).square().mean().item(), rel=1e-5)


def test_tiles_do_not_change_it(small_critic: Critic) -> None:
    image, target, weight = drawn(1, 3, 96, 96).float(), drawn(1, 3, 96, 96, seed=1).float(), drawn(1, 1, 96, 96)
    objective = 2.0 * layer(small_critic.identity.default_layers[0]) + Temporal(target, weight)
    painting = TwoPass(small_critic, objective)
    whole, tiled = (painting.scored(image, Generator().manual_seed(0), painting.tiles((96, 96), px)) for px in (0, 48))
    assert tiled.values == pytest.approx(whole.values, rel=1e-4)
    assert torch.allclose(whole.gradient, tiled.gradient, rtol=1e-3, atol=1e-7)


def test_further_frames_count_only_where_nearer_ones_do_not() -> None:
    one, two, three = (torch.tensor(w) for w in ([1.0, 0.0, 0.25, 0.0], [1.0, 1.0, 0.75, 0.0], [1.0, 1.0, 1.0, 0.5]))
    found = not_seen_before([one, two, three])
    assert [f.tolist() for f in found] == [[1, 0, 0.25, 0], [0, 1, 0.5, 0], [0, 0, 0, 0.5]]
    assert not_seen_before([]) == []
    assert torch.equal(not_seen_before([one])[0], one)


def test_no_weight_is_negative() -> None:
    weights = [drawn(1, 1, 16, 16, seed=s) for s in range(5)]
    found = not_seen_before(weights)
    assert all((f >= 0).all() and (f <= w).all() for f, w in zip(found, weights, strict=True))
