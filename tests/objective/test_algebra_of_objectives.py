import pytest
import torch

from reverie.objective import Custom, channel, layer, logit, neuron, total_variation
from reverie.objective.base import Objective


@pytest.fixture
def activations():
    generator = torch.Generator().manual_seed(0)
    return {
        "a": torch.randn(2, 6, 5, 7, generator=generator),
        "b": torch.randn(2, 4, 3, 4, generator=generator),
        "logits": torch.randn(2, 9, generator=generator),
        "image": torch.rand(2, 3, 20, 28, generator=generator),
    }


A, B, C = layer("a"), channel("b", 2), logit(3)


def test_sums_differences_and_factors_are_those_of_the_scores(activations):
    a, b, c = A(activations), B(activations), C(activations)
    assert torch.allclose((A * 1 + B * 3 - C * 5)(activations), a + 3 * b - 5 * c)
    assert torch.allclose((2 * (A - B / 4) - C)(activations), 2 * a - b / 2 - c)
    assert torch.allclose((-(A + B))(activations), -a - b)
    assert torch.allclose((A - (B - (C - A)))(activations), c - b)
    assert torch.allclose((0.5 * (0.5 * A))(activations), a / 4)


def test_arithmetic_leaves_the_operands_as_they_were(activations):
    before = A(activations)
    combined = A * 3 + B
    combined * 7 - C
    assert torch.equal(A(activations), before)
    assert torch.allclose(combined(activations), 3 * before + B(activations))


def test_a_sum_reads_the_layers_of_its_terms_and_stays_flat():
    total = 2 * (A + 3 * B) - total_variation()
    assert total.layers == {"a", "b", "image"}
    assert [weight for weight, _ in total.terms()] == [2, 6, -1]
    assert A.terms() == ((1.0, A),)


def test_a_sum_can_be_tiled_only_if_every_term_can():
    assert (A + B - total_variation()).tiling == "local"
    for whole in (C, neuron("a", 1), Custom(("a",), lambda found: found["a"].sum((1, 2, 3)))):
        assert whole.tiling == "whole"
        assert (A + 2 * whole).tiling == "whole"


def test_any_function_is_an_objective(activations):
    largest = Custom(("a",), lambda found: found["a"].amax((1, 2, 3)))
    assert largest.layers == {"a"}
    assert torch.equal(largest(activations), activations["a"].amax((1, 2, 3)))
    assert torch.allclose((largest - A)(activations), largest(activations) - A(activations))


def test_scores_are_one_float32_number_per_picture(activations):
    half = {name: value.bfloat16() for name, value in activations.items()}
    for objective in (A, B, C, neuron("a", 1), total_variation(), A + B):
        assert isinstance(objective, Objective)
        score = objective(half)
        assert score.shape == (2,)
        assert score.dtype == torch.float32
