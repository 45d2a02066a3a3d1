"""A linear probe: how well the classes of rows can be separated by planes.

Source: Alain, Bengio 2016, "Understanding intermediate layers using linear classifier probes", arXiv 1610.01644.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

ITERATIONS = 60  # of L-BFGS; more change the accuracy by less than the folds differ
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Probe:
    """Multinomial logistic regression on standardized columns: ``softmax(W (x - mean) / std + b)``."""

    mean: Tensor
    std: Tensor
    weight: Tensor
    bias: Tensor

    def logits(self, rows: Tensor) -> Tensor:
        """Return ``[N, K]``."""
        return (rows - self.mean) / self.std @ self.weight.mT + self.bias


def fit_probe(rows: Tensor, labels: Tensor, classes: int, l2: float = 1e-3) -> Probe:
    """Return the probe of least mean cross-entropy plus ``l2 / 2 |W|^2``.

    Args:
        rows: ``[N, C]`` float32.
        labels: ``[N]`` int64 in [0, classes).
        classes: how many there are; some may have no rows.
        l2: weight decay.
    """
    mean, std = rows.mean(0), rows.std(0).clamp_min(1e-6)
    inputs = (rows - mean) / std
    weight = torch.zeros(classes, rows.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = F.cross_entropy(F.linear(inputs, weight, bias), labels) + l2 / 2 * weight.square().sum()
        loss.backward()
        return loss

    solver.step(closure)
    return Probe(mean, std, weight.detach(), bias.detach())


def held_out_probabilities(rows: Tensor, labels: Tensor, classes: int, generator: Generator) -> Tensor:
    """Return ``[N, K]`` probabilities, those of each row by a probe that did not learn from it (5 folds)."""
    result = torch.zeros(len(rows), classes)
    fold = fold_of(labels, generator)
    for number in range(FOLDS):
        held = fold == number
        if held.any() and not held.all():
            probe = fit_probe(rows[~held], labels[~held], classes)
            result[held] = probe.logits(rows[held]).softmax(1)
    return result


def fold_of(labels: Tensor, generator: Generator) -> Tensor:
    """Return ``[N]`` fold numbers, every class spread evenly over the folds."""
    order = torch.randperm(len(labels), generator=generator)
    order = order[labels[order].argsort(stable=True)]
    fold = torch.empty_like(labels)
    fold[order] = torch.arange(len(labels)) % FOLDS
    return fold
