import pytest
import torch

from reverie.numerics.nearest_rows import angle_cost, nearest_both_ways, nearest_rows
from reverie.objective.nearest import Nearest
from reverie.objective.relaxed_emd import TO_YUV, PaletteMover, RelaxedMover, SampledMoments, moments_of
from reverie.objective.sampler import Sampler

SAMPLER = Sampler(("a",), 30)


def rows(count: int, channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def relaxed(costs: torch.Tensor) -> float:
    """Return the relaxed distance from a full matrix of costs."""
    return max(costs.min(0).values.mean().item(), costs.min(1).values.mean().item())


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_features_move_at_the_cost_of_the_formula(shift: float) -> None:
    here, there = rows(30, 5) + shift, rows(41, 5, seed=1)
    costs = 1 - torch.nn.functional.cosine_similarity(here[:, None], there[None], dim=2)
    assert RelaxedMover(SAMPLER, there).finish(here).item() == pytest.approx(-relaxed(costs), rel=1e-12)


def test_colors_move_at_the_cost_of_the_formula() -> None:
    here, there = rows(30, 3).sigmoid(), rows(41, 3, seed=1).sigmoid()
    basis = torch.tensor(TO_YUV, dtype=torch.float64)
    a, b = here @ basis.mT, there @ basis.mT
    costs = 1 - torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=2) + (a[:, None] - b[None]).norm(dim=2)
    found = PaletteMover(Sampler(("image",), 30), there).finish(here).item()
    assert found == pytest.approx(-relaxed(costs), rel=1e-3)  # the root is softened at zero


def test_moments_are_compared_as_the_formula_says() -> None:
    here, there = rows(30, 5), 2 * rows(41, 5, seed=1) + 1
    mean = (here.mean(0) - there.mean(0)).abs().mean()
    covariance = (torch.cov(here.mT, correction=0) - torch.cov(there.mT, correction=0)).abs().mean()
    score = SampledMoments(SAMPLER, moments_of(there))
    assert score.finish(here).item() == pytest.approx(-(mean + covariance).item(), rel=1e-12)
    assert score.energy > 0


@pytest.mark.parametrize("score", [RelaxedMover(SAMPLER, rows(41, 5, seed=1)),
                                   SampledMoments(SAMPLER, moments_of(rows(41, 5, seed=1)))])  # fmt: skip
def test_gradients_are_those_of_the_score(score: RelaxedMover | SampledMoments) -> None:
    assert torch.autograd.gradcheck(score.finish, rows(30, 5).requires_grad_(True))


def test_gradients_of_equal_colors_are_finite() -> None:
    colors = rows(30, 3).sigmoid()
    leaf = colors.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(PaletteMover(SAMPLER, colors).finish(leaf), leaf)
    assert torch.isfinite(slope).all()


def test_the_nearest_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    import reverie.numerics.nearest_rows as module

    here, there = rows(57, 5), rows(41, 5, seed=1)
    whole = nearest_both_ways(here, there, angle_cost)
    costs = angle_cost(here, there)
    assert torch.equal(whole[0], costs.argmin(1)) and torch.equal(whole[1], costs.argmin(0))
    monkeypatch.setattr(module, "PIECE", 100)
    pieces = nearest_both_ways(here, there, angle_cost)
    assert torch.equal(whole[0], pieces[0]) and torch.equal(whole[1], pieces[1])
    assert torch.equal(nearest_rows(here, there, angle_cost), whole[0])


def test_dark_and_flat_places_get_no_larger_slopes() -> None:
    there = torch.nn.functional.normalize(rows(41, 5, seed=1), dim=1)
    for score in (RelaxedMover(SAMPLER, there), PaletteMover(SAMPLER, there[:, :3].abs()), Nearest(SAMPLER, there)):
        slopes = []
        for length in (1.0, 1e-3):
            leaf = (length * rows(30, score.target.shape[1]).abs()).requires_grad_(True)
            slopes.append(torch.autograd.grad(score.finish(leaf), leaf)[0].norm())
        assert slopes[1] < 50 * slopes[0]  # 1000 times without a least length
