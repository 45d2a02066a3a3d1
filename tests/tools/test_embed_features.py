"""What of a layer describes a picture, and how an activation atlas is cut into cells."""

from __future__ import annotations

import torch

from reverie.tools.embed.features import features_of, pooled
from reverie.tools.embed_atlas.activation_atlas import cells_of


def test_pools_are_those_of_plain_formulas():
    a = torch.randn(3, 5, 4, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(pooled(a, "mean"), a.mean((2, 3)))
    assert torch.equal(pooled(a, "max"), a.amax((2, 3)))
    both = pooled(a, "moments")
    assert torch.allclose(both[:, 5:], a.flatten(2).var(2, unbiased=False).sqrt(), atol=1e-6)
    vectors = torch.randn(3, 5)
    assert torch.equal(pooled(vectors, "mean"), vectors)


def test_one_position_is_one_of_the_picture_and_not_always_the_same():
    a = torch.arange(8.0 * 24).view(8, 1, 4, 6)
    found = pooled(a, "one")[:, 0]
    places = found - torch.arange(8) * 24
    assert torch.equal(found // 24, torch.arange(8.0))
    assert len(set(places.tolist())) == 8


def test_features_and_logits_are_those_of_the_network_itself(small_critic):
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    vectors, logits = features_of(small_critic, images, ["conv2"], "mean")
    with torch.no_grad():
        seen = small_critic(images, ["conv2"])["conv2"]
        wanted = small_critic.logits(images)
    assert torch.allclose(vectors["conv2"], seen.float().mean((2, 3)), atol=1e-5)
    assert logits is not None
    assert torch.allclose(logits, wanted, atol=1e-4)


def test_cells_hold_their_pictures_and_point_where_these_differ_from_all():
    rows = torch.zeros(40, 4)
    places = torch.zeros(40, 2)
    for i in range(40):
        corner = i % 4
        places[i] = torch.tensor([float(corner % 2), float(corner // 2)]) + 0.001 * i
        rows[i, corner] = 1.0
    cells = cells_of(places, rows, 2, least=5)
    assert [(cell.row, cell.column) for cell in cells] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for corner, cell in enumerate(cells):
        assert all(i % 4 == corner for i in cell.members)
        assert int(cell.direction.argmax()) == corner
        assert torch.isclose(cell.direction.norm(), torch.tensor(1.0))
    assert cells_of(places, rows, 2, least=11) == []
