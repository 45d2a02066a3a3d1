import json
import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.objective import guide as guide_module
from reverie.objective import guide_best_match, guide_channels, layer


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


A, GUIDE = noise(2, 5, 6, 7), noise(1, 5, 3, 4, seed=1)


def naive(a: Tensor, guide: Tensor, match: str) -> tuple[Tensor, Tensor]:
    """Position by position: the scores, and the guide vector that each position is drawn to."""
    vectors = list(guide[0].flatten(1).T)
    scores, drawn = torch.zeros(len(a), dtype=a.dtype), torch.zeros_like(a)
    for b in range(a.shape[0]):
        for y in range(a.shape[2]):
            for x in range(a.shape[3]):
                here = a[b, :, y, x]
                fits = [F.cosine_similarity(here, v, dim=0) if match == "cosine" else here @ v for v in vectors]
                best = vectors[int(torch.stack(fits).argmax())]
                scores[b] += here @ best / (a.shape[2] * a.shape[3])
                drawn[b, :, y, x] = best
    return scores, drawn


@pytest.mark.parametrize("match", ["dot", "cosine"])
def test_the_score_is_the_mean_of_best_dot_products_and_its_gradient_the_best_vectors(match):
    a = A.clone().requires_grad_(True)
    score = guide_best_match("a", GUIDE, match)({"a": a})
    (gradient,) = torch.autograd.grad(score.sum(), a)
    expected, drawn = naive(A, GUIDE, match)
    assert torch.allclose(score, expected, atol=1e-5)
    assert torch.allclose(gradient, drawn / 42, atol=1e-6)


@pytest.mark.parametrize("block", [1, 20, 40, 100])
@pytest.mark.parametrize("match", ["dot", "cosine"])
def test_blocks_of_any_size_give_the_same(monkeypatch, block, match):
    def both() -> tuple[Tensor, Tensor]:
        a = A.clone().requires_grad_(True)
        score = guide_best_match("a", GUIDE, match)({"a": a})
        return score, torch.autograd.grad(score.sum(), a)[0]

    whole = both()
    monkeypatch.setattr(guide_module, "BLOCK_ELEMENTS", block)
    for one, other in zip(both(), whole, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("match", ["dot", "cosine"])
def test_gradients_are_those_of_finite_differences(match):
    a = noise(1, 3, 4, 5).double().requires_grad_(True)
    objective = guide_best_match("a", noise(1, 3, 2, 3).double(), match)
    assert torch.autograd.gradcheck(lambda x: objective({"a": x}), a)
    weighted = guide_channels("a", noise(1, 3, 2, 3).double())
    assert torch.autograd.gradcheck(lambda x: weighted({"a": x}), a)


def test_cosine_matching_ignores_how_loud_a_vector_of_the_guide_is():
    loud = GUIDE.clone()
    loud[..., 1, 2] *= 100
    for match, same in (("cosine", True), ("dot", False)):
        _, before = naive(A, GUIDE, match)
        a = A.clone().requires_grad_(True)
        (after,) = torch.autograd.grad(guide_best_match("a", loud, match)({"a": a}).sum() * 42, a)
        directions = F.cosine_similarity(before, after, dim=1)
        assert bool((directions > 0.999).all()) == same


def test_memory_channels_last_and_low_precision_are_the_same_score():
    objective = guide_best_match("a", GUIDE)
    assert torch.allclose(objective({"a": A.contiguous(memory_format=torch.channels_last)}), objective({"a": A}))
    half = objective({"a": A.bfloat16()})
    assert half.dtype == torch.float32
    assert torch.allclose(half, objective({"a": A}), rtol=0.02)


def test_vectors_behind_a_global_pooling_have_one_position():
    a = noise(2, 5)
    assert torch.allclose(guide_best_match("a", GUIDE)({"a": a}), naive(a[..., None, None], GUIDE, "dot")[0], atol=1e-6)


PEAK = """
import json, resource, sys, torch
from reverie.objective import guide_best_match
height, width = map(int, sys.argv[1:])
objective = guide_best_match("a", torch.randn(1, 256, 28, 28))
objective({"a": torch.randn(1, 256, 8, 8)})
a = torch.randn(1, 256, height, width, requires_grad=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
objective({"a": a}).sum().backward()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([1024 * (after - before), 4 * a.numel()]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_peak_memory_beyond_the_gradient_does_not_grow_with_the_picture():
    extra = []
    for size in ((67, 120), (270, 480)):  # a layer of stride 8 at 960 x 540 and at 4K
        done = subprocess.run([sys.executable, "-c", PEAK, *map(str, size)], capture_output=True, text=True, check=True)
        peak, gradient = json.loads(done.stdout)
        extra.append(peak - gradient)
    assert max(extra) < 40e6, extra  # the similarities at once would be 406 MB at 4K


@pytest.mark.parametrize(("form", "value"), [("l2", lambda a: a**2 / 2), ("mean", lambda a: a), ("l1", abs)])
def test_channels_are_weighted_by_the_guides_share(form, value):
    mean = GUIDE.mean((0, 2, 3))
    weights = (mean / mean.abs().sum()).view(1, 5, 1, 1)
    expected = (weights * value(A)).sum(1).mean((1, 2))
    assert torch.allclose(guide_channels("a", GUIDE, form)({"a": A}), expected, atol=1e-6)


def test_a_guide_that_excites_all_channels_alike_is_the_layer_itself():
    assert torch.allclose(guide_channels("a", torch.ones(1, 5, 2, 2))({"a": A}), layer("a")({"a": A}))


@pytest.mark.parametrize("make", [guide_best_match, guide_channels])
def test_a_guide_without_activations_scores_nothing(make):
    assert not make("a", torch.zeros(1, 5, 2, 2))({"a": A}).any()


@pytest.mark.parametrize(
    "objective", [guide_best_match("a", GUIDE), guide_best_match("a", GUIDE, "cosine"), guide_channels("a", GUIDE)]
)
def test_scores_of_tiles_add_up(objective):
    parts = [objective.score({"a": tile}, {"a": 42}) for tile in (A[..., :4], A[..., 4:])]
    assert torch.allclose(sum(parts), objective({"a": A}), atol=1e-5)
    assert objective.tiling == "local"
