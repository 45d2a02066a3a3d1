"""The scores of moments by the names that users choose them by, and what styles, content and smoothness weigh."""

from __future__ import annotations

import functools
from collections.abc import Callable

from reverie.objective.base import Objective
from reverie.objective.covariance import Covariance
from reverie.objective.gram import Gram
from reverie.objective.mean_deviation import MeanDeviation
from reverie.objective.moments import Moments
from reverie.objective.sampler import Sampled
from reverie.objective.wasserstein import Wasserstein

CONTENT_SHARE = 0.3  # weight of content at strength 0.5, when styles weigh one together: chosen by looking
SMOOTH_UNIT = 0.01  # total variation of a photograph, about: a weight of one is as much as all styles together
LEAST_VALUE = 1e-3  # of the style's own energy: a content picture that has the style already is not divided by zero

MOMENT_SCORES: dict[str, Callable[..., Moments]] = {
    "w2": Wasserstein,
    "w2-ns": functools.partial(Wasserstein, iterated=True),
    "gram": Gram,
    "covariance": Covariance,
    "mean-std": MeanDeviation,
}


def least_value(term: Objective) -> float:
    """Return what a style score is divided by at least, from the size of the style's own features."""
    if isinstance(term, Sampled):
        return LEAST_VALUE * term.energy
    assert isinstance(term, Moments)
    second = term.target[:-1, :-1]
    is_linear = isinstance(term, (Wasserstein, MeanDeviation))
    size = second.diagonal().mean().item() if is_linear else second.square().mean().item()
    return LEAST_VALUE * max(size, 1e-12)


def smoothness(smooth: float, strength: float, content_gain: float = 1.0) -> float:
    """Return the weight of total variation beside styles and content: a share of what these weigh together."""
    return smooth / SMOOTH_UNIT * (strength + CONTENT_SHARE * content_gain * (1 - strength))
