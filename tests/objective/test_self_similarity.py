import pytest
import torch

from reverie.objective.base import BASE
from reverie.objective.sampler import Sampler
from reverie.objective.self_similarity import SelfSimilarity

SCORE = SelfSimilarity(Sampler(("a",), 20), torch.float64)


def rows(count: int, channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def naive(features: torch.Tensor) -> torch.Tensor:
    """Return normalized distances, one by one."""
    n = len(features)
    found = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        for j in range(n):
            found[i, j] = 1 - torch.nn.functional.cosine_similarity(features[i], features[j], dim=0)
    return found / found.mean(0, keepdim=True)


def test_the_score_is_that_of_the_formula() -> None:
    here, there = rows(20, 6), rows(20, 6, seed=1)
    wanted = naive(there)
    expected = (naive(here) - wanted).abs().mean() / (wanted - 1).abs().mean()
    assert SCORE.finish(torch.cat([here, there], 1)).item() == pytest.approx(-expected.item(), rel=1e-6)


def test_what_looks_different_may_be_as_alike() -> None:
    there = rows(20, 6)
    turn = torch.linalg.qr(rows(6, 6, seed=2)).Q
    assert SCORE.finish(torch.cat([3 * there @ turn, there], 1)).item() == pytest.approx(0, abs=1e-9)


def test_places_that_are_all_equally_unlike_score_minus_one() -> None:
    there, here = rows(20, 40), torch.eye(20, 40, dtype=torch.float64)
    found = SCORE.finish(torch.cat([here, there], 1)).item()
    assert found == pytest.approx(-1, abs=0.35)  # but for the places themselves, which are at no distance


def test_a_flat_content_gives_a_number_and_a_slope() -> None:
    sums = torch.cat([rows(20, 6), torch.ones(20, 6, dtype=torch.float64)], 1).requires_grad_(True)
    value = SCORE.finish(sums)
    (slope,) = torch.autograd.grad(value, sums)
    assert torch.isfinite(value) and torch.isfinite(slope).all()


def test_content_gets_no_slope() -> None:
    sums = torch.cat([rows(20, 6), rows(20, 6, seed=1)], 1).requires_grad_(True)
    (slope,) = torch.autograd.grad(SCORE.finish(sums), sums)
    assert slope[:, 6:].abs().max() == 0 and slope[:, :6].abs().max() > 0


def test_the_picture_itself_is_at_no_distance() -> None:
    picture = torch.rand(1, 6, 9, 9, generator=torch.Generator().manual_seed(0))
    assert SCORE({"a": picture, BASE + "a": picture}).item() == pytest.approx(0, abs=1e-5)
