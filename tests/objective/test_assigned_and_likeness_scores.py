import pytest
import torch

from reverie.errors import InputError, LayerError
from reverie.objective import assigned, assigned_directions, channel, direction, likeness, logit


@pytest.mark.parametrize("views", [1, 3])
def test_every_picture_is_scored_by_its_own_channel(generator, views):
    a = torch.randn(3 * views, 6, 4, 5, generator=generator)
    scores = assigned("a", 4, 0, 4)({"a": a})
    for i, c in enumerate((4, 0, 4)):
        own = a[i * views : (i + 1) * views]
        assert torch.allclose(scores[i * views : (i + 1) * views], channel("a", c)({"a": own}), atol=1e-6)


def test_classes_are_channels_of_the_logits(generator):
    logits = torch.randn(4, 7, generator=generator)
    scores = assigned("logits", 2, 6)({"logits": logits})
    expected = torch.cat([logit(2)({"logits": logits[:2]}), logit(6)({"logits": logits[2:]})])
    assert torch.equal(scores, expected)


def test_no_picture_has_a_gradient_from_anothers_channel(generator):
    a = torch.randn(2, 3, 2, 2, generator=generator).requires_grad_(True)
    (gradient,) = torch.autograd.grad(assigned("a", 1, 2)({"a": a}).sum(), a)
    assert torch.equal(gradient.abs().amax((2, 3)) > 0, torch.tensor([[0, 1, 0], [0, 0, 1]]).bool())


def test_what_does_not_fit_is_refused(generator):
    a = torch.randn(5, 3, 2, 2, generator=generator)
    with pytest.raises(InputError, match="5 pictures"):
        assigned("a", 0, 1)({"a": a})
    with pytest.raises(LayerError, match="0 to 2"):
        assigned("a", *range(5))({"a": a})
    with pytest.raises(InputError, match="5 views"):
        likeness("a", 2)({"a": a})


@pytest.mark.parametrize("views", [1, 2])
def test_likeness_is_the_mean_cosine_of_gram_matrices_in_naive_loops(generator, views):
    a = torch.randn(3 * views, 4, 3, 2, generator=generator)
    grams = []
    for i in range(3):
        gram = torch.zeros(4, 4)
        for view in a[i * views : (i + 1) * views]:
            for y in range(3):
                for x in range(2):
                    gram += torch.outer(view[:, y, x], view[:, y, x])
        grams.append(gram.flatten())
    scores = likeness("a", 3)({"a": a})
    for i in range(3):
        others = [torch.cosine_similarity(grams[i], grams[j], dim=0) for j in range(3) if j != i]
        assert torch.allclose(scores[i * views : (i + 1) * views], (sum(others) / 2).expand(views), atol=1e-5)


def test_the_same_picture_twice_is_wholly_alike_and_one_alone_is_like_nothing(generator):
    a = torch.randn(1, 4, 3, 3, generator=generator)
    assert torch.allclose(likeness("a", 2)({"a": a.repeat(2, 1, 1, 1)}), torch.ones(2))
    moved = torch.cat([a, a.roll((1, 2), (2, 3))])
    assert torch.allclose(likeness("a", 2)({"a": moved}), torch.ones(2))  # wherever in the picture it is
    assert torch.equal(likeness("a", 1)({"a": a}), torch.zeros(1))


def test_the_gradient_of_likeness_is_that_of_finite_differences(generator):
    a = torch.randn(4, 2, 2, 2, dtype=torch.float64, generator=generator).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: likeness("a", 2)({"a": x}), a)


def test_each_picture_is_scored_by_its_own_direction():
    a = torch.randn(3, 6, 4, 5, generator=torch.Generator().manual_seed(0))
    vectors = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    found = assigned_directions("x", vectors).score({"x": a}, {"x": 20})
    for i in range(3):
        alone = direction("x", vectors[i]).score({"x": a[i : i + 1]}, {"x": 20})
        assert torch.allclose(found[i], alone[0], atol=1e-5)
    with pytest.raises(InputError, match="3 pictures cannot be shared out among 2 directions"):
        assigned_directions("x", vectors[:2]).score({"x": a}, {"x": 20})
