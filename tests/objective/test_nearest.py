import pytest
import torch

from reverie.objective.nearest import Nearest
from reverie.objective.sampler import Sampler

SAMPLER = Sampler(("a",), 30)


def rows(count: int, channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("keep", [0.0, 0.4])
def test_the_score_is_that_of_the_formula(keep: float) -> None:
    here, content, there = rows(30, 5) + 1, rows(30, 5, seed=1), 2 * rows(41, 5, seed=2)
    sought = (1 - keep) * here + keep * content
    cosine = torch.nn.functional.cosine_similarity
    total = 0.0
    for x, looked in zip(here, sought, strict=True):
        found = max(there, key=lambda s: cosine(looked - sought.mean(0), s - there.mean(0), dim=0).item())
        total += 1 - cosine(x - there.mean(0), found - there.mean(0), dim=0).item()
    sums = torch.cat([here, content], 1) if keep else here
    assert Nearest(SAMPLER, there, keep).finish(sums).item() == pytest.approx(-total / 30, rel=1e-10)


def test_pieces_of_the_style_are_at_no_distance() -> None:
    there = rows(30, 5)
    assert Nearest(SAMPLER, there).finish(there.flip(0)).item() == pytest.approx(0, abs=1e-12)


def test_gradients_are_those_of_the_score() -> None:
    score = Nearest(SAMPLER, rows(41, 5, seed=2), 0.3)
    content = rows(30, 5, seed=1)
    check = lambda here: score.finish(torch.cat([here, content], 1))  # noqa: E731
    assert torch.autograd.gradcheck(check, (rows(30, 5) + 1).requires_grad_(True))


def test_the_content_is_read_only_where_it_is_looked_up() -> None:
    assert Nearest(SAMPLER, rows(4, 5)).base_layers == frozenset()
    assert Nearest(SAMPLER, rows(4, 5), 0.5).base_layers == {"a"}
