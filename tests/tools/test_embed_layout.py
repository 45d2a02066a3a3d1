"""Places on a map, and what is measured of them."""

from __future__ import annotations

import pytest
import torch

from reverie.tools.embed.layout import fit_space, laid_out, placed, row_affinities


def blobs(each: int = 30, groups: int = 4, width: int = 20, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    centers = 6 * torch.randn(groups, width, generator=generator)
    labels = torch.arange(groups).repeat_interleave(each)
    return centers[labels] + torch.randn(len(labels), width, generator=generator), labels


@pytest.fixture(scope="module")
def finished():
    rows, labels = blobs()
    space = fit_space(rows, "euclidean", 10)
    *_, (done, places) = laid_out(space, "tsne", perplexity=10, steps=150, seed=0)
    assert done == 150
    return rows, labels, space, places


def test_groups_lie_together(finished):
    _, labels, _, places = finished
    distances = torch.cdist(places, places)
    distances.fill_diagonal_(torch.inf)
    near = distances.topk(5, largest=False).indices
    assert (labels[near] == labels[:, None]).float().mean() > 0.98


def test_a_layout_is_the_same_on_every_run(finished):
    _, _, space, places = finished
    *_, (_, again) = laid_out(space, "tsne", perplexity=10, steps=150, seed=0)
    assert torch.equal(places, again)


def test_rows_of_affinities_have_the_perplexity_that_was_asked_for():
    distances = torch.rand(6, 40, generator=torch.Generator().manual_seed(0)).sort(1).values
    p = row_affinities(distances, 12).double()
    entropy = -(p * p.log()).sum(1)
    assert torch.allclose(p.sum(1), torch.ones(6, dtype=torch.float64), atol=1e-5)
    assert torch.allclose(entropy.exp(), torch.full((6,), 12.0, dtype=torch.float64), rtol=2e-3)


def test_a_picture_of_the_map_is_placed_where_it_lies(finished):
    rows, _, space, places = finished
    found = placed(space.coordinates(rows), space.points, places, 10)
    width = float((places.amax(0) - places.amin(0)).max())
    assert float((found - places).norm(dim=1).median()) < 0.03 * width


def test_new_pictures_fall_into_their_group(finished):
    _, labels, space, places = finished
    rows, wanted = blobs(seed=0)
    jittered = rows + 0.5 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(5))
    found = placed(space.coordinates(jittered), space.points, places, 10)
    nearest = torch.cdist(found, places).argmin(1)
    assert (labels[nearest] == wanted).float().mean() > 0.98


def test_placing_lowers_the_divergence_of_its_row(finished):
    _, _, space, places = finished
    query = space.points[3:4] + 0.3
    distances, near = torch.cdist(query, space.points).sort(1)
    p = row_affinities(distances[:, :30], 10)[0]

    def divergence(place):
        q = 1 / (1 + (place - places[near[0, :30]]).square().sum(1))
        return float((p * (p / (q / q.sum())).log()).sum())

    start = placed(query, space.points, places, 10, optimize=False)[0]
    end = placed(query, space.points, places, 10)[0]
    assert divergence(end) < divergence(start)


def test_few_pictures_are_laid_out_by_their_components():
    rows, _ = blobs(each=1, groups=4)
    ((_, places),) = laid_out(fit_space(rows, "cosine", 50), "tsne", perplexity=30, steps=100, seed=0)
    assert places.shape == (4, 2)
    assert torch.isfinite(places).all()


@pytest.mark.parametrize("count", [6, 16, 40])
def test_few_pictures_that_are_about_equally_far_from_each_other_do_not_fall_into_one_point(count: int):
    rows = torch.randn(count, 64, generator=torch.Generator().manual_seed(0))
    space = fit_space(rows, "cosine", 50)
    *_, (_, places) = laid_out(space, "tsne", perplexity=30, steps=300, seed=0)
    assert float(places.std(0).min()) > 0.5
    apart = torch.cdist(places, places).fill_diagonal_(torch.inf)
    assert float(apart.min()) > 0.05 * float(places.std())
