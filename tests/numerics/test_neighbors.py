from __future__ import annotations

import torch

from reverie.numerics import neighbors
from reverie.numerics.neighbors import nearest_neighbors, neighbors_among


def test_neighbors_are_those_of_the_full_matrix_of_distances(monkeypatch):
    monkeypatch.setattr(neighbors, "PIECE", 200)  # several pieces, the last one smaller
    rows = torch.randn(53, 7, generator=torch.Generator().manual_seed(0))
    distances = torch.cdist(rows.double(), rows.double())
    distances.fill_diagonal_(torch.inf)
    values, indices = distances.sort(1)
    found, far = nearest_neighbors(rows, 9)
    assert torch.equal(found, indices[:, :9])
    assert torch.allclose(far.double(), values[:, :9], atol=1e-5)


def test_a_row_is_not_its_own_neighbor_even_where_it_occurs_twice():
    rows = torch.tensor([[0.0, 1.0], [0.0, 1.0], [5.0, 5.0]])
    found, far = nearest_neighbors(rows, 1)
    assert found[:2, 0].tolist() == [1, 0]
    assert far[0, 0] == 0


def test_queries_find_their_nearest_rows():
    generator = torch.Generator().manual_seed(1)
    rows, queries = torch.randn(40, 3, generator=generator), torch.randn(11, 3, generator=generator)
    found, far = neighbors_among(queries, rows, 4)
    wanted = torch.cdist(queries, rows).sort(1)
    assert torch.equal(found, wanted.indices[:, :4])
    assert torch.allclose(far, wanted.values[:, :4], atol=1e-5)
