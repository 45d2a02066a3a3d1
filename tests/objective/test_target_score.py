import pytest
import torch

from reverie.errors import InputError
from reverie.objective import layer, target
from reverie.objective.pooled import pooled_terms, tangent


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


A, ART = noise(2, 4, 5, 7), 2 * noise(1, 4, 6, 3, seed=1) + 1


def test_moments_are_the_distance_of_means_and_deviations():
    def moments(a):
        return torch.cat([a.mean((1, 2)), a.std((1, 2), correction=0)])

    wanted = moments(ART[0])
    expected = torch.stack([-((moments(a) - wanted) ** 2).sum() / (wanted**2).sum() for a in A])
    assert torch.allclose(target("a", ART)({"a": A}), expected, atol=1e-6)


def test_gram_is_the_distance_of_the_mean_products_of_channels():
    def gram(a):
        products = torch.zeros(4, 4)
        for y in range(a.shape[1]):
            for x in range(a.shape[2]):
                products += torch.outer(a[:, y, x], a[:, y, x])
        return products / (a.shape[1] * a.shape[2])

    wanted = gram(ART[0])
    expected = torch.stack([-((gram(a) - wanted) ** 2).sum() / (wanted**2).sum() for a in A])
    assert torch.allclose(target("a", ART, "gram")({"a": A}), expected, atol=1e-5)


@pytest.mark.parametrize("form", ["moments", "gram"])
def test_it_is_highest_at_the_target_and_does_not_care_where_things_are(form):
    objective = target("a", ART, form)
    moved = ART.flatten(2)[..., torch.randperm(18, generator=torch.Generator().manual_seed(0))].view(1, 4, 3, 6)
    assert float(objective({"a": moved})) == pytest.approx(0, abs=1e-9)
    assert float(objective({"a": torch.zeros_like(ART)})) == pytest.approx(-1)
    assert float(objective({"a": A}).max()) < -0.01


@pytest.mark.parametrize("form", ["moments", "gram"])
def test_gradients_are_those_of_finite_differences(form):
    a = noise(2, 3, 4, 5).double().requires_grad_(True)
    objective = target("a", noise(1, 3, 2, 3).double(), form)
    assert torch.autograd.gradcheck(lambda x: objective({"a": x}), a)


@pytest.mark.parametrize("form", ["moments", "gram"])
@pytest.mark.parametrize("flat", [0.0, 3.0])
def test_channels_without_contrast_have_finite_gradients(form, flat):
    a = A.clone()
    a[:, 1] = flat
    a.requires_grad_(True)
    score = target("a", ART, form)({"a": a})
    (gradient,) = torch.autograd.grad(score.sum(), a)
    assert torch.isfinite(score).all()
    assert torch.isfinite(gradient).all()
    assert float(gradient.abs().max()) < 10


@pytest.mark.parametrize("form", ["moments", "gram"])
def test_the_tangent_has_the_same_gradient_and_value_and_adds_up_over_tiles(form):
    objective = 3 * target("a", ART, form) - 0.5 * layer("a")
    assert objective.tiling == "pooled"
    a = A[:1].clone().requires_grad_(True)
    score = objective({"a": a}).sum()
    (whole,) = torch.autograd.grad(score, a)
    (term,) = pooled_terms(objective)
    local, known = tangent(objective, [term.pool(a.detach()) / 35])
    assert local.tiling == "local"
    scores = [local.score({"a": tile}, {"a": 35}).sum() for tile in (a[..., :3], a[..., 3:])]
    (tiled,) = torch.autograd.grad(sum(scores), a)
    assert torch.allclose(tiled, whole, atol=1e-6)
    assert float(sum(s.detach() for s in scores)) + known == pytest.approx(float(score.detach()), abs=1e-5)


def test_what_cannot_be_a_target_is_refused():
    with pytest.raises(InputError, match="moments, gram"):
        target("a", ART, "mean")
    with pytest.raises(InputError, match="excites nothing in layer 'a'"):
        target("a", torch.zeros(1, 4, 3, 3))
