from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from reverie.numerics.linear_probe import FOLDS, fit_probe, fold_of, held_out_probabilities


def blobs(apart: float, count: int = 120, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centers = apart * torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    return centers[labels] + torch.randn(count, 4, generator=generator), labels


@pytest.mark.slow
def test_the_probe_is_the_minimum_of_its_loss():
    rows, labels = blobs(2.0)
    probe = fit_probe(rows, labels, 3, l2=1e-2)
    weight, bias = probe.weight.clone().requires_grad_(), probe.bias.clone().requires_grad_()
    inputs = (rows - probe.mean) / probe.std
    loss = F.cross_entropy(inputs @ weight.mT + bias, labels) + 0.005 * weight.square().sum()
    gradients = torch.autograd.grad(loss, [weight, bias])
    assert max(g.abs().max() for g in gradients) < 1e-3


def test_separate_classes_are_told_apart_and_noise_is_not():
    rows, labels = blobs(8.0)
    found = held_out_probabilities(rows, labels, 3, torch.Generator().manual_seed(0))
    assert torch.allclose(found.sum(1), torch.ones(len(rows)), atol=1e-5)
    assert (found.argmax(1) == labels).float().mean() > 0.98
    noise, labels = blobs(0.0, 600)
    said = held_out_probabilities(noise, labels, 3, torch.Generator().manual_seed(0)).argmax(1)
    assert abs(float((said == labels).float().mean()) - 1 / 3) < 0.08  # a probe that saw the row would do better


def test_every_class_is_spread_over_the_folds():
    labels = torch.tensor([0] * 12 + [1] * 7 + [2] * 31)
    fold = fold_of(labels, torch.Generator().manual_seed(3))
    for number in range(3):
        counts = torch.bincount(fold[labels == number], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
