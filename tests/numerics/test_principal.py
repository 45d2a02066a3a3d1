from __future__ import annotations

import torch

from reverie.numerics.principal import principal_components


def test_components_are_the_right_singular_vectors_of_centered_rows():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(60, 8, generator=generator) * torch.tensor([5.0, 4, 3, 2, 1, 0.8, 0.5, 0.3]) + 7
    found = principal_components(rows, 4)
    _, values, vectors = torch.linalg.svd((rows - rows.mean(0)).double(), full_matrices=False)
    cosines = (found.components.double() * vectors[:4]).sum(1).abs()
    assert torch.allclose(cosines, torch.ones(4, dtype=torch.float64), atol=1e-5)
    assert torch.allclose(found.explained.double(), (values.square() / values.square().sum())[:4], atol=1e-5)


def test_all_components_keep_distances():
    rows = torch.randn(20, 5, generator=torch.Generator().manual_seed(1))
    points = principal_components(rows, 5)(rows)
    assert torch.allclose(torch.cdist(points, points), torch.cdist(rows, rows), atol=1e-4)


def test_signs_do_not_depend_on_the_order_of_the_rows():
    rows = torch.randn(50, 6, generator=torch.Generator().manual_seed(2))
    first, second = principal_components(rows, 3), principal_components(rows.flip(0), 3)
    assert torch.allclose(first.components, second.components, atol=1e-5)


def test_fewer_components_where_there_are_few_rows():
    assert principal_components(torch.randn(3, 9), 50).components.shape == (2, 9)
