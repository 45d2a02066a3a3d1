import math

import pytest
import torch

from reverie.objective.sampler import Sampler, positions_of, shared_scales
from reverie.objective.sliced import Sliced, quantiles
from reverie.objective.summed import Place


def rows(count: int, channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn(score: Sliced, seed: int = 0) -> Sliced:
    return score.drawn(torch.Generator().manual_seed(seed), {})


@pytest.mark.parametrize("style_count", [40, 97, 23])
def test_the_distance_is_that_of_sorted_projections(style_count: int) -> None:
    here, there = rows(40, 6), rows(style_count, 6, seed=1) + 0.5
    score = drawn(Sliced(Sampler(("a",), 40), there))
    assert score.directions is not None and score.directions.shape == (6, 6)
    expected = 0.0
    for direction in score.directions.mT:
        mine = sorted((here @ direction).tolist())
        theirs = sorted((there @ direction).tolist())
        for i, value in enumerate(mine):
            at = min(max((i + 0.5) / 40 * style_count - 0.5, 0), style_count - 1)
            low = math.floor(at)
            high = min(low + 1, style_count - 1)
            expected += (value - theirs[low] * (1 - at + low) - theirs[high] * (at - low)) ** 2
    assert score.finish(here).item() == pytest.approx(-expected / (6 * 40), rel=1e-10)


def test_directions_are_orthogonal_and_new_for_every_seed() -> None:
    score = Sliced(Sampler(("a",), 8), rows(9, 200))
    first, same, other = (drawn(score, seed).directions for seed in (0, 0, 1))
    assert first.shape == (200, 64)
    assert torch.allclose(first.mT @ first, torch.eye(64, dtype=torch.float64), atol=1e-12)
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_the_same_cloud_in_another_order_is_at_no_distance_and_a_shift_is_measured() -> None:
    there = rows(64, 5)
    score = drawn(Sliced(Sampler(("a",), 64), there))
    assert score.finish(there.flip(0)).item() == pytest.approx(0, abs=1e-20)
    shift = torch.tensor([0.3, -0.1, 0.2, 0.0, 0.7], dtype=torch.float64)
    assert score.finish(there + shift).item() == pytest.approx(-shift.square().mean().item(), rel=1e-10)


def test_quantiles_of_a_ramp_are_a_ramp() -> None:
    ramp = (torch.arange(100, dtype=torch.float64)[:, None] + 0.5) / 100
    assert torch.allclose(quantiles(ramp, 10)[:, 0], (torch.arange(10, dtype=torch.float64) + 0.5) / 10)
    assert torch.equal(quantiles(ramp, 100), ramp)


def test_nothing_to_see_is_no_distance() -> None:
    score = drawn(Sliced(Sampler(("a",), 8, torch.zeros(1, 1, 4, 4)), rows(9, 3)))
    assert score.finish(torch.zeros(0, 3, dtype=torch.float64)).item() == 0


# -- the sampler that all such scores share ---------------------------------------------------------------------


def test_places_fall_into_cells_as_often_as_their_weights_say() -> None:
    weights = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 3.0]])[None, None]
    at = Sampler(("a",), 20000, weights).drawn(torch.Generator().manual_seed(0)).at
    assert at is not None and at.min() >= 0 and at.max() < 1
    rows_, columns = positions_of(at, (2, 3))
    found = torch.zeros(2, 3).index_put((rows_, columns), torch.tensor(1 / 20000), accumulate=True)
    assert torch.allclose(found, weights[0, 0] / 4, atol=0.01)
    assert ((found > 0) == (weights[0, 0] > 0)).all()


def test_pieces_fill_in_their_rows_and_the_sum_of_them_is_all() -> None:
    big = torch.randn(1, 5, 12, 16, generator=torch.Generator().manual_seed(0))
    small = torch.randn(1, 7, 6, 8, generator=torch.Generator().manual_seed(1))
    sampler = Sampler(("big", "small"), 50, scales=(2.0, 0.5), softmax=True).drawn(torch.Generator().manual_seed(0))
    total = torch.zeros(50, 12)
    for top in (0, 4, 8):
        for left in (0, 10):
            bottom, right = top + 4, 10 if left == 0 else 16
            cut = {"big": big[..., top:bottom, left:right],
                   "small": small[..., top // 2 : bottom // 2, left // 2 : right // 2]}  # fmt: skip
            places = {"big": Place(top, left, (12, 16)), "small": Place(top // 2, left // 2, (6, 8))}
            total += sampler.features(cut, places)
    assert sampler.at is not None
    for row, (y, x) in zip(total, sampler.at.tolist(), strict=True):
        wide = 5 * big[0, :, int(y * 12), int(x * 16)].softmax(0)
        deep = 7 * small[0, :, int(y * 6), int(x * 8)].softmax(0)
        assert torch.allclose(row, torch.cat([2 * wide, 0.5 * deep]), atol=1e-6)


def test_scales_bring_layers_to_lengths_as_their_weights() -> None:
    blocks = [7 * rows(30, 4), 0.01 * rows(30, 9, seed=1), torch.zeros(30, 2)]
    scales = shared_scales(blocks, (3.0, 1.0, 0.0))
    lengths = [(scale * block).square().sum(1).mean().item() for scale, block in zip(scales, blocks, strict=True)]
    assert lengths == pytest.approx([0.75, 0.25, 0.0])
    assert all(map(math.isfinite, shared_scales([torch.zeros(3, 2)], (1.0,))))
