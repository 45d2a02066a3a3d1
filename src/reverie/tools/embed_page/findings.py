"""What a map shows about its collection: groups, duplicates, pictures that lie alone, labels that look wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.numerics.linear_probe import held_out_probabilities

NEIGHBORS = 15
SAME_RMS, SAME_COSINE = 0.045, 0.9  # of duplicates: pixel difference of 16-px thumbnails in [0, 1], and features
SAME_PART = 0.2  # of the contrast that the difference may be, or two pieces of sky would be the same
FLAT_STD = 0.02  # thumbnails with less contrast than this say nothing
OUTLIER_FACTOR = 1.5  # times as far from the neighbors as they are from theirs
OWN_LABEL_AT_MOST, OTHER_LABEL_AT_LEAST = 0.2, 0.6
MOST_OUTLIERS = 200
FIRST_COLORS = (
    "#4e9af1", "#f2a541", "#5cc26f", "#e5625e", "#a984e0", "#c99a6b", "#ea8fc5", "#35c4c4", "#c8c84b", "#9aa5b1",
)  # fmt: skip


@dataclass(frozen=True)
class Duplicate:
    """Two pictures that show the same: `kind` is "copy", "near" or "mirrored"."""

    first: int
    second: int
    kind: str
    difference: float


@dataclass(frozen=True)
class Suspect:
    """A picture whose label looks wrong: the class that it looks like, and how sure, in [0, 1]."""

    index: int
    suggested: int
    confidence: float


def groups_of(places: Tensor) -> Tensor:
    """Return ``[N]`` numbers of the groups on a map, the largest first; -1 outside of all groups.

    Source: Campello, Moulavi, Sander 2013 (HDBSCAN), by scikit-learn.
    """
    from sklearn.cluster import HDBSCAN

    count = len(places)
    least = max(5, count // 80)
    if count < 2 * least:
        return torch.zeros(count, dtype=torch.long)
    found = HDBSCAN(min_cluster_size=least, min_samples=5, copy=True).fit_predict(places.numpy())  # pyright: ignore[reportArgumentType]
    numbers, sizes = np.unique(found[found >= 0], return_counts=True)
    rank = {int(number): i for i, number in enumerate(numbers[np.argsort(-sizes, kind="stable")])}
    return torch.tensor([rank.get(int(number), -1) for number in found])


def duplicates_of(neighbors: Tensor, distances: Tensor, thumbs: np.ndarray, features: Tensor) -> list[Duplicate]:
    """Return pairs of pictures that show the same, the most similar first.

    Candidates are nearest neighbors; the pixels of their small thumbnails decide, also mirrored.

    Args:
        neighbors: ``[N, k]``.
        distances: ``[N, k]``.
        thumbs: ``[N, s, s, 3]`` uint8, small (16 px).
        features: ``[N, C]``, rows of length one.
    """
    small = torch.from_numpy(thumbs).float() / 255
    rows = torch.arange(len(neighbors))[:, None].expand_as(neighbors)
    pairs = torch.stack([torch.minimum(rows, neighbors), torch.maximum(rows, neighbors)], -1).flatten(0, 1)
    pairs = torch.unique(pairs, dim=0)
    similar = (features[pairs[:, 0]] * features[pairs[:, 1]]).sum(1) >= SAME_COSINE
    pairs = pairs[similar]
    contrast = (small - small.mean((1, 2), keepdim=True)).flatten(1).std(1)
    found: list[Duplicate] = []
    for part in pairs.split(4096):
        first, second = small[part[:, 0]], small[part[:, 1]]
        straight = _rms(first - second)
        mirrored = _rms(first - second.flip(2))
        best = torch.minimum(straight, mirrored)
        least = contrast[part].amin(1)
        same = (best < SAME_RMS) & (best < SAME_PART * least) & (least >= FLAT_STD)
        for i in same.nonzero().flatten().tolist():
            kind = "mirrored" if mirrored[i] < straight[i] else "copy" if straight[i] < 0.004 else "near"
            found.append(Duplicate(int(part[i, 0]), int(part[i, 1]), kind, round(float(best[i]), 4)))
    return sorted(found, key=lambda pair: (pair.difference, pair.first, pair.second))


def _rms(difference: Tensor) -> Tensor:
    return difference.square().flatten(1).mean(1).sqrt()


def outlier_factors(neighbors: Tensor, distances: Tensor) -> Tensor:
    """Return ``[N]``: how much farther a picture is from its neighbors than they are from theirs; about 1 inside.

    Source: Breunig et al. 2000, "LOF: identifying density-based local outliers", definitions 5 to 7.
    """
    reach = torch.maximum(distances, distances[:, -1][neighbors])
    density = 1 / reach.mean(1).clamp_min(1e-12)
    return density[neighbors].mean(1) / density


def outliers_of(factors: Tensor) -> list[int]:
    """Return the pictures that lie alone, the loneliest first."""
    order = factors.argsort(descending=True, stable=True)[:MOST_OUTLIERS]
    return [i for i in order.tolist() if factors[i] >= OUTLIER_FACTOR]


def mislabelled_of(points: Tensor, labels: Tensor, neighbors: Tensor, classes: int, seed: int) -> list[Suspect]:
    """Return pictures whose label looks wrong, the surest first.

    A linear probe that did not learn from the picture must prefer another class, and so must its neighbors.

    Source: after Northcutt, Jiang, Chuang 2021, "Confident learning", arXiv 1911.00068 (out-of-sample probabilities).
    Differs: a vote of the neighbors instead of estimated thresholds, since classes may have a few pictures only.
    """
    if classes < 2 or (labels < 0).any() or len(labels) < 5 * classes:
        return []
    probabilities = held_out_probabilities(points, labels, classes, Generator().manual_seed(seed))
    votes = torch.zeros(len(labels), classes).scatter_add_(
        1, labels[neighbors], torch.full(neighbors.shape, 1 / neighbors.shape[1])
    )
    both = (probabilities + votes) / 2
    own = both.gather(1, labels[:, None])[:, 0]
    other = both.scatter(1, labels[:, None], -1.0)
    value, suggested = other.max(1)
    wrong = (own <= OWN_LABEL_AT_MOST) & (value >= OTHER_LABEL_AT_LEAST)
    suspects = [Suspect(i, int(suggested[i]), round(float(value[i]), 3)) for i in wrong.nonzero().flatten().tolist()]
    return sorted(suspects, key=lambda s: (-s.confidence, s.index))


def agreement(labels: Tensor, neighbors: Tensor) -> float:
    """Return the share of pictures whose neighbors vote for their own class; the smallest class number wins a tie."""
    classes = int(labels.max()) + 1
    votes = torch.zeros(len(labels), classes).scatter_add_(1, labels[neighbors], torch.ones(neighbors.shape))
    return float((votes.argmax(1) == labels).float().mean())


def class_colors(count: int) -> list[str]:
    """Return as many colors as ``#rrggbb``, that differ by hue, then by lightness; golden angle around the wheel."""
    import colorsys

    colors: list[str] = [*FIRST_COLORS[:count]]
    for i in range(len(colors), count):
        hue, light = (i * 0.381966) % 1.0, 0.5 + 0.18 * ((i * 7) % 3 - 1)
        red, green, blue = (round(255 * v) for v in colorsys.hls_to_rgb(hue, light, 0.65))
        colors.append(f"#{red:02x}{green:02x}{blue:02x}")
    return colors
