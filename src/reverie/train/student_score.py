"""What the optimizer raises for one picture, as a loss for many: the same styles, contents and balance.

The pictures of a batch are scored one by one, each style score divided by its value at that content picture. Around a
picture the network sees its mirror image, which is cut away again: what networks do at borders is not learned.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reverie.critic.critic import IMAGE, Critic
from reverie.critic.style_layers import StyleLayers
from reverie.numerics.resample import long_side, resize
from reverie.objective import total_variation
from reverie.objective.base import BASE, Activations, Objective, Sum
from reverie.objective.content import Content
from reverie.objective.gram import Gram
from reverie.objective.moment_scores import CONTENT_SHARE, MOMENT_SCORES, least_value, smoothness
from reverie.objective.moments import Moments, blend, mean_moments
from reverie.optimize.two_pass import TwoPass
from reverie.train.distill_config import DistillConfig

MARGIN_PX = 16


class StudentScore:
    """The optimizer's objective for pictures that come by the batch.

    Args:
        critic: the network that scores.
        layers: that carry style and content.
        styles: pictures ``[1, 3, H, W]`` in [0, 1], blended by `weights`.
        weights: of the styles.
        config: the settings.
    """

    def __init__(
        self, critic: Critic, layers: StyleLayers, styles: Sequence[Tensor], weights: Sequence[float],
        config: DistillConfig,
    ) -> None:  # fmt: skip
        self.critic, self.layers, self.config = critic, layers, config
        seen = [self._moments(style) for style in styles]
        self.terms: list[tuple[float, Moments]] = [
            (weight, MOMENT_SCORES[config.score](name, blend([m[name] for m in seen], weights), None, layers.softmax))
            for name, weight in layers.style
        ]
        total = sum(weight for _, weight in layers.content)
        self.contents = [
            (layers.content_gain * weight / total, Content(name, None, layers.softmax))
            for name, weight in layers.content
        ]
        self.smooth = (-smoothness(config.smooth, config.strength, layers.content_gain), total_variation())

    def losses(self, stylized: Tensor, content: Tensor, dial: Tensor) -> dict[str, Tensor]:
        """Return the mean losses of a batch by what they are of.

        Args:
            stylized: ``[B, 3, P, P]``, what is scored.
            content: what it was stylized from.
            dial: ``[B, 1]``, the share of the strength that each was stylized at.
        """
        with torch.no_grad():
            there = self._look(content)
        here = self._look(stylized)
        found: dict[str, list[Tensor]] = {"style": [], "content": [], "smooth": []}
        for i, share in enumerate(dial.flatten().tolist()):
            before, after = _picture(there, i), _picture(here, i)
            activations = after | {BASE + name: value for name, value in before.items()}
            for kind, objective in self._objectives(before, share).items():
                found[kind].append(-objective(activations).sum())
        return {kind: torch.stack(values).mean() for kind, values in found.items()}

    def _objectives(self, before: Activations, share: float) -> dict[str, Objective]:
        """Return what is raised for one picture, given what the network sees in its content."""
        strength = share * self.config.strength
        total = sum(weight for weight, _ in self.terms)
        with torch.no_grad():
            values = [max(-term(before).item(), least_value(term)) for _, term in self.terms]
        style = [(strength * w / total / v, term) for (w, term), v in zip(self.terms, values, strict=True)]
        content = [(CONTENT_SHARE * (1 - strength) * w, term) for w, term in self.contents]
        return {"style": Sum(tuple(style)), "content": Sum(tuple(content)), "smooth": Sum((self.smooth,))}

    def _look(self, images: Tensor) -> dict[str, Tensor]:
        """Return activations by layer, without what lies outside the pictures."""
        names = tuple(dict.fromkeys(name for name, _ in (*self.layers.style, *self.layers.content)))
        margin = max(MARGIN_PX, self.critic.stride(names))
        found = self.critic(F.pad(images, (margin,) * 4, mode="reflect"), [n for n in names if n != IMAGE])
        inside = {name: _inside(value, margin // self.critic.layer(name).stride) for name, value in found.items()}
        return inside | {IMAGE: images}

    def _moments(self, style: Tensor) -> dict[str, Tensor]:
        names = tuple(name for name, _ in self.layers.style)
        own = (style.shape[-2], style.shape[-1])
        size = long_side(own, min(max(own), self.config.style_size))
        image = resize(style, size).clamp(0, 1).to(self.critic.device)
        terms = tuple((1.0, Gram(name, torch.zeros(0), None, self.layers.softmax)) for name in names)
        painting = TwoPass(self.critic, Sum(terms))
        sums = painting.sums(image, Generator().manual_seed(0), painting.tiles(size))
        return {name: mean_moments(total) for name, total in zip(names, sums, strict=True)}


def _picture(activations: Activations, index: int) -> dict[str, Tensor]:
    return {name: value[index : index + 1] for name, value in activations.items()}


def _inside(activation: Tensor, margin: int) -> Tensor:
    return activation[..., margin : activation.shape[-2] - margin, margin : activation.shape[-1] - margin]
