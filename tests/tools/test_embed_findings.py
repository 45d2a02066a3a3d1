"""Planted duplicates, outliers and wrong labels are found, and nothing else."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from reverie.numerics.neighbors import nearest_neighbors
from reverie.tools.embed_page.findings import (
    class_colors,
    duplicates_of,
    groups_of,
    mislabelled_of,
    outlier_factors,
    outliers_of,
)


def blobs(each: int = 40, groups: int = 3, width: int = 8, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(groups).repeat_interleave(each)
    centers = 8 * F.normalize(torch.randn(groups, width, generator=generator), dim=1)
    return centers[labels] + 0.5 * torch.randn(len(labels), width, generator=generator), labels


def test_copies_near_copies_and_mirrored_ones_are_found_and_no_others():
    rng = np.random.default_rng(0)
    thumbs = rng.integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    thumbs[10] = thumbs[3]
    thumbs[11] = np.clip(thumbs[4].astype(int) + rng.integers(-6, 7, thumbs[4].shape), 0, 255)
    thumbs[12] = thumbs[5][:, ::-1]
    features = torch.from_numpy(rng.random((30, 12), np.float32)) + 0.5
    features[10:13] = features[3:6]
    rows = F.normalize(features, dim=1)
    found = duplicates_of(*nearest_neighbors(rows, 8), thumbs, rows)
    assert [(d.first, d.second, d.kind) for d in found] == [(3, 10, "copy"), (5, 12, "mirrored"), (4, 11, "near")]


def test_plain_pictures_are_no_duplicates():
    thumbs = np.full((6, 16, 16, 3), 200, np.uint8)
    rows = F.normalize(torch.ones(6, 4) + 1e-3 * torch.randn(6, 4), dim=1)
    assert duplicates_of(*nearest_neighbors(rows, 3), thumbs, rows) == []


def test_outlier_factors_are_those_of_scikit_learn():
    from sklearn.neighbors import LocalOutlierFactor

    points, _ = blobs()
    points[7] = 30.0
    factors = outlier_factors(*nearest_neighbors(points, 15))
    wanted = -LocalOutlierFactor(n_neighbors=15).fit(points.numpy()).negative_outlier_factor_
    assert np.allclose(factors.numpy(), wanted, rtol=1e-3)
    assert outliers_of(factors)[0] == 7


def test_wrong_labels_are_found_with_the_class_they_look_like():
    points, labels = blobs()
    given = labels.clone()
    given[5], given[50] = 2, 0
    near, _ = nearest_neighbors(points, 15)
    found = mislabelled_of(points, given, near, 3, 0)
    assert {(s.index, s.suggested) for s in found} == {(5, 0), (50, 1)}
    assert mislabelled_of(points, labels, near, 3, 0) == []
    assert mislabelled_of(points, torch.full_like(labels, -1), near, 0, 0) == []


def test_groups_are_numbered_by_size():
    places = torch.cat([blobs(30, 1, 2)[0], 40 + blobs(60, 1, 2)[0]])
    found = groups_of(places)
    assert set(found[30:].tolist()) - {-1} == {0}
    assert set(found[:30].tolist()) - {-1} == {1}


def test_colors_differ():
    assert len(set(class_colors(60))) == 60
    assert class_colors(0) == []
