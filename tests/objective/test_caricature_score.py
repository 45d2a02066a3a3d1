import pytest
import torch
from torch.nn import functional as F

from reverie.objective import caricature, layer
from reverie.objective.base import BASE


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


A, OWN = noise(2, 5, 3, 4), noise(2, 5, 3, 4, seed=1)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_it_is_the_mean_of_dot_times_cosine_to_the_power_place_by_place(power):
    expected = torch.zeros(2)
    for b in range(2):
        for y in range(3):
            for x in range(4):
                one, own = A[b, :, y, x], OWN[b, :, y, x]
                cosine = F.cosine_similarity(one, own, dim=0).clamp_min(0.1)
                expected[b] += (one @ own) * cosine**power / 12
    assert torch.allclose(caricature("a", power)({"a": A, BASE + "a": OWN}), expected, atol=1e-6)


@pytest.mark.parametrize("power", [0, 1, 2.5])
def test_gradients_are_those_of_finite_differences(power):
    a, own = noise(1, 3, 2, 4).double().requires_grad_(True), noise(1, 3, 2, 4, seed=1).double()
    assert torch.autograd.gradcheck(lambda x: caricature("a", power)({"a": x, BASE + "a": own}), a)


def test_of_itself_it_is_twice_the_classic_score():
    a = A.clone()
    assert torch.allclose(caricature("a", 2)({"a": a, BASE + "a": a}), 2 * 5 * layer("a")({"a": a}))


def test_what_the_base_does_not_have_is_not_asked_for():
    own = OWN.clone()
    own[:, 2] = 0
    a = A.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(caricature("a", 0)({"a": a, BASE + "a": own}).sum(), a)
    assert not gradient[:, 2].any()
    assert torch.allclose(gradient, own / 12)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-15])
def test_dead_and_tiny_activations_have_finite_gradients(size):
    a, own = (size * A).requires_grad_(True), size * OWN
    (gradient,) = torch.autograd.grad(caricature("a")({"a": a, BASE + "a": own}).sum(), a)
    assert torch.isfinite(gradient).all()


def test_sums_say_which_layers_the_base_is_read_at():
    total = caricature("a") + 2 * layer("b") - caricature("c")
    assert total.layers == {"a", "b", "c"}
    assert total.base_layers == {"a", "c"}
    assert total.tiling == "local"
    assert layer("b").base_layers == frozenset()
