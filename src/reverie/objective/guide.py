"""Make a picture's activations resemble those of a guide picture, wherever they come closest already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.objective.base import Activations, Objective, Positions, exact, mean_over_positions
from reverie.objective.layer import Form, formed

Match = Literal["dot", "cosine"]
BLOCK_ELEMENTS = 500_000  # similarities held at once: 2 MB, whatever the sizes of picture and guide


@dataclass(frozen=True, eq=False)
class GuideScore(Objective):
    """Mean over positions of the dot product with the guide's best matching vector; its gradient is that vector.

    ``vectors`` ``[N, C]`` are the guide's activations, one row per position, less ``center`` ``[C]``, which is also
    taken off the picture's. With ``match="cosine"`` the vector of the smallest angle is taken instead of the largest
    dot product, so that strong vectors do not win everywhere.
    Source: Mordvintsev et al. 2015, the guided part of the original DeepDream notebook.
    Differs: the similarities are computed in blocks, so a large picture needs no more memory for them than a small
    one; and there is a center. Without it what all pictures have in common takes the lead, and guides look the same.
    """

    name: str
    vectors: Tensor
    match: Match = "dot"
    center: Tensor | None = None

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        vectors = self.vectors.to(a)
        if self.center is not None:
            a = a - self.center.to(a).view(1, -1, *[1] * (a.ndim - 2))
        keys = F.normalize(vectors, dim=1, eps=torch.finfo(a.dtype).tiny) if self.match == "cosine" else vectors
        best: Tensor = _BestDot.apply(a.flatten(2) if a.ndim > 2 else a[..., None], vectors, keys)
        return mean_over_positions(best, positions[self.name])


@dataclass(frozen=True, eq=False)
class WeightedChannels(Objective):
    """Mean over positions of the channels' strength, each weighted by ``weights`` ``[C]``.

    The cheap form of a guide: it says which channels the guide excites, and not where. `guide_channels` makes the
    weights ``v / |v|_1`` of the guide's mean activation ``v``, so that several layers are weighted equally.
    """

    name: str
    weights: Tensor
    form: Form = "l2"

    @property
    def layers(self) -> frozenset[str]:
        return frozenset({self.name})

    def score(self, activations: Activations, positions: Positions) -> Tensor:
        a = exact(activations[self.name])
        weights = self.weights.to(a).view(1, -1, *[1] * (a.ndim - 2))
        return mean_over_positions((weights * formed(a, self.form)).sum(1), positions[self.name])


def guide_best_match(name: str, activation: Tensor, match: Match = "dot", center: Tensor | None = None) -> Objective:
    """Return the score of resembling a guide's activation ``[1, C, h, w]`` position by position.

    `center` ``[C]`` is what the layer does on average; only what differs from it is followed.
    """
    vectors = exact(activation.detach())[0].flatten(1).T
    vectors = vectors.contiguous() if center is None else vectors - center.to(vectors)
    return GuideScore(name, vectors, match, center)


def guide_channels(name: str, activation: Tensor, form: Form = "l2", center: Tensor | None = None) -> Objective:
    """Return the score of exciting the channels that a guide's activation ``[1, C, h, w]`` excites.

    With `center` ``[C]``, those that it excites more than that, and no others.
    """
    mean = exact(activation.detach())[0].flatten(1).mean(1)
    mean = mean if center is None else mean - center.to(mean)
    total = mean.abs().sum()
    return WeightedChannels(name, mean / total if total > 0 else mean, form)


class _BestDot(torch.autograd.Function):
    """``[B, C, P]`` activations to the ``[B, P]`` dot products with the vectors whose keys fit best."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, vectors: Tensor, keys: Tensor) -> Tensor:
        best = a.new_empty(a.shape[0], a.shape[2])
        chosen = torch.empty(best.shape, dtype=torch.int32, device=a.device)
        rows = max(1, BLOCK_ELEMENTS // max(len(keys), a.shape[1]))
        for picture in range(a.shape[0]):
            for begin in range(0, a.shape[2], rows):
                block = a[picture, :, begin : begin + rows]
                values, index = (keys @ block).max(dim=0)
                if keys is not vectors:
                    values = (vectors[index].T * block).sum(0)
                best[picture, begin : begin + rows] = values
                chosen[picture, begin : begin + rows] = index
        ctx.save_for_backward(chosen, vectors)
        return best

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        chosen, vectors = ctx.saved_tensors
        (grad,) = grad_outputs
        found = grad.new_empty(grad.shape[0], vectors.shape[1], grad.shape[1])
        rows = max(1, BLOCK_ELEMENTS // vectors.shape[1])
        for picture in range(grad.shape[0]):
            for begin in range(0, grad.shape[1], rows):
                part = slice(begin, begin + rows)
                found[picture, :, part] = vectors[chosen[picture, part].long()].T * grad[picture, part]
        return found, None, None
