"""From features to places on a map: principal components, then t-SNE, and the same for pictures that come later.

Sources: van der Maaten, Hinton 2008, "Visualizing Data using t-SNE"; Belkina et al. 2019 (learning rate);
Kobak, Berens 2019 (start from principal components). The layout itself is openTSNE's.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import InputError
from reverie.numerics.neighbors import nearest_neighbors, neighbors_among
from reverie.numerics.principal import Principal, principal_components

CHUNK = 25  # steps of the layout between two reports
COLLAPSED_STD = 1e-6  # of the places behind the exaggeration: less is a single point
EXAGGERATION = 12.0
START_STD = 1e-4  # spread of the first places
PLACING_STEPS = 200
LEAST_PICTURES = 5


@dataclass(frozen=True, eq=False)
class Space:
    """Where pictures lie: rows of features, turned into coordinates by `principal`; `points` is ``[N, K]``."""

    principal: Principal
    metric: str
    points: Tensor

    def coordinates(self, features: Tensor) -> Tensor:
        """Return ``[Q, K]`` for features ``[Q, C]``."""
        return self.principal(scaled(features, self.metric))


def scaled(features: Tensor, metric: str) -> Tensor:
    """Return rows of length one for the cosine, so that distances are those of angles."""
    return F.normalize(features, dim=1) if metric == "cosine" else features


def fit_space(features: Tensor, metric: str, components: int) -> Space:
    """Return the space of some features ``[N, C]``."""
    rows = scaled(features, metric)
    principal = principal_components(rows, components)
    return Space(principal, metric, principal(rows))


def flat_start(points: Tensor) -> Tensor:
    """Return the first two coordinates ``[N, 2]``, scaled to a standard deviation of one in the first."""
    two = points[:, :2] if points.shape[1] > 1 else F.pad(points, (0, 1))
    return two / two[:, 0].std().clamp_min(1e-12)


def laid_out(space: Space, method: str, *, perplexity: float, steps: int, seed: int) -> Iterator[tuple[int, Tensor]]:
    """Yield (steps done, places ``[N, 2]``) until the map is finished.

    Raises:
        InputError: a method whose package is not installed.
    """
    if method == "pca" or len(space.points) < LEAST_PICTURES:
        yield steps, flat_start(space.points)
        return
    if method in ("umap", "pacmap"):
        yield steps, _by_package(space.points, method, perplexity, seed)
        return
    yield from _tsne(space.points, perplexity, steps, seed)


def _tsne(points: Tensor, perplexity: float, steps: int, seed: int) -> Iterator[tuple[int, Tensor]]:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = usable_perplexity(perplexity, len(points))
    indices, distances = nearest_neighbors(points, min(len(points) - 1, math.ceil(3 * perplexity)))
    jobs = torch.get_num_threads()
    known = PrecomputedNeighbors(indices.numpy(), distances.double().numpy())
    affinities = PerplexityBasedNN(knn_index=known, perplexity=perplexity, n_jobs=jobs)  # pyright: ignore[reportArgumentType]
    start = START_STD * flat_start(points).double().numpy()
    how = {"n_jobs": jobs, "random_state": seed, "negative_gradient_method": "auto"}
    embedding = TSNEEmbedding(start, affinities, **how)
    early = steps // 3
    done = 0
    while done < steps:
        phase = early if done < early else steps
        count = min(CHUNK, phase - done)
        factor, momentum = (EXAGGERATION, 0.5) if done < early else (1.0, 0.8)
        embedding.optimize(n_iter=count, inplace=True, learning_rate="auto", exaggeration=factor, momentum=momentum)
        done += count
        if done == early and np.std(embedding) < COLLAPSED_STD:  # few pictures: exaggeration drew all into one point
            embedding = TSNEEmbedding(start, affinities, **how)
        yield done, torch.from_numpy(np.array(embedding)).float()


def usable_perplexity(perplexity: float, count: int) -> float:
    """Return the perplexity, less where there are too few pictures for it."""
    return min(perplexity, max(1.0, (count - 1) / 3))


def _by_package(points: Tensor, method: str, perplexity: float, seed: int) -> Tensor:
    """Lay out by a package that the user installed."""
    module, name = {"umap": ("umap", "UMAP"), "pacmap": ("pacmap", "PaCMAP")}[method]
    count = max(2, min(round(perplexity / 2), len(points) - 1))
    with _silent(module):
        try:
            reducer = getattr(importlib.import_module(module), name)(n_neighbors=count, random_state=seed)
        except ImportError as error:
            package = {"umap": "umap-learn", "pacmap": "pacmap"}[method]
            raise InputError(f"--method {method} needs a package of its own: pip install {package}") from error
        return torch.from_numpy(np.array(reducer.fit_transform(points.numpy()))).float()


@contextlib.contextmanager
def _silent(package: str) -> Iterator[None]:
    """Keep off the terminal what a package prints about its own defaults: seeds, threads, versions of others."""
    logger = logging.getLogger(package)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


# -- pictures that come later -----------------------------------------------------------------------------------------


def placed(queries: Tensor, points: Tensor, places: Tensor, perplexity: float, *, optimize: bool = True) -> Tensor:
    """Return places ``[Q, 2]`` of new pictures on a finished map, each by itself: the map does not move.

    A picture begins at the weighted mean of its nearest neighbors, and then the divergence of its own row,
    ``KL(p || q)`` with ``q_j ~ 1 / (1 + |y - y_j|^2)`` over its neighbors, is brought down.

    Args:
        queries: ``[Q, K]`` coordinates in the space of the map.
        points: ``[N, K]``.
        places: ``[N, 2]``.
        perplexity: as the map was made with.
        optimize: False keeps the weighted mean, for maps of other methods.

    Source: Poličar, Stražar, Zupan 2019, "Embedding to reference t-SNE space addresses batch effects in single-cell
    classification". Differs: attraction and repulsion are those of the neighbors only, so far groups do not push.
    """
    perplexity = usable_perplexity(perplexity, len(points))
    indices, distances = neighbors_among(queries, points, min(len(points), math.ceil(3 * perplexity)))
    weights = row_affinities(distances, perplexity)
    near = places[indices]
    found = (weights[..., None] * near).sum(1)
    if not optimize:
        return found
    rate = 0.1
    for _ in range(PLACING_STEPS):
        away = found[:, None] - near
        kernel = 1 / (1 + away.square().sum(2))
        pull = (weights - kernel / kernel.sum(1, keepdim=True)) * kernel
        found = found - rate * 4 * (pull[..., None] * away).sum(1)
    return found


def row_affinities(distances: Tensor, perplexity: float, rounds: int = 64) -> Tensor:
    """Return ``p_j ~ exp(-beta d_j^2)`` ``[Q, k]``, rows of sum one whose entropy is the log of the perplexity.

    Source: van der Maaten, Hinton 2008, equation 1; beta by bisection.
    """
    squares = distances.double().square()
    squares = squares - squares[:, :1]
    wanted = math.log(min(perplexity, distances.shape[1]) * 0.999)
    low, high = torch.full_like(squares[:, :1], -30), torch.full_like(squares[:, :1], 60)
    for _ in range(rounds):
        middle = (low + high) / 2
        log_p = F.log_softmax(-middle.exp2() * squares, dim=1)
        entropy = -(log_p.exp() * log_p).sum(1, keepdim=True)
        low, high = torch.where(entropy > wanted, middle, low), torch.where(entropy > wanted, high, middle)
    return F.softmax(-((low + high) / 2).exp2() * squares, dim=1).float()
