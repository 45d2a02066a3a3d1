import pytest
import torch
from torch.nn import functional as F

from reverie.objective import channel, direction

A = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
V = torch.randn(5, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_it_is_the_mean_of_dot_times_cosine_to_the_power(power):
    expected = []
    for picture in A:
        values = []
        for vector in picture.flatten(1).T:
            dot, cosine = vector @ V, F.cosine_similarity(vector, V, dim=0)
            values.append(dot * cosine.clamp_min(0.1) ** power)
        expected.append(torch.stack(values).mean())
    assert torch.allclose(direction("a", V, power)({"a": A}), torch.stack(expected), atol=1e-6)


def test_power_zero_is_the_plain_dot_product():
    assert torch.allclose(direction("a", V, 0)({"a": A}), torch.einsum("bchw,c->b", A, V) / 12, atol=1e-6)


def test_a_unit_direction_without_power_is_a_channel():
    assert torch.allclose(direction("a", torch.eye(5)[3], 0)({"a": A}), channel("a", 3)({"a": A}), atol=1e-6)


def test_activations_that_point_along_the_direction_score_their_length():
    along = (2.5 * V / V.norm()).view(1, 5, 1, 1).expand(1, 5, 3, 4)
    assert float(direction("a", V / V.norm(), 2)({"a": along})) == pytest.approx(2.5, rel=1e-5)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-15])
def test_dead_and_tiny_activations_have_finite_scores_and_gradients(size):
    a = (size * A).requires_grad_(True)
    score = direction("a", V, 1)({"a": a}).sum()
    (gradient,) = torch.autograd.grad(score, a)
    assert torch.isfinite(score)
    assert torch.isfinite(gradient).all()
    if size > 0:
        assert gradient.any()
