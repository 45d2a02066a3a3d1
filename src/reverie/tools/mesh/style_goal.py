"""What `mesh style` raises: statistics of a style inside the mesh, over many views, and the content of each view.

The statistics of one view tell little: what shows of a mesh from one side need not have all of a style. So sums
over positions are taken inside the mesh only, added up over the views of a step, and mixed with those of the steps
before; the gradient is that of the views at hand.
Source: Kato, Ushiku, Harada 2018, "Neural 3D mesh renderer", section 5.3 (statistics inside the silhouette);
Mordvintsev et al. 2018, "Differentiable image parameterizations" (running means over views).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from reverie.canvas.mesh import MeshCanvas, Views
from reverie.critic.critic import IMAGE, Critic
from reverie.critic.style_layers import style_layers
from reverie.numerics.moment_sums import moment_sums
from reverie.numerics.region_weights import region_weights
from reverie.numerics.resample import long_side, resize
from reverie.objective.base import BASE
from reverie.objective.content import Content
from reverie.objective.levelled import levelled
from reverie.objective.moment_scores import CONTENT_SHARE, MOMENT_SCORES, least_value, smoothness
from reverie.objective.moments import Moments, blend, mean_moments
from reverie.objective.summed import Place
from reverie.objective.total_variation import total_variation
from reverie.render.camera import MARGIN, Camera
from reverie.render.light import LIGHTS
from reverie.tools.mesh.ascent import Stage
from reverie.tools.mesh.config import MeshStyleConfig

MEASURED = 8  # views at which scores are brought to one measure


class StyleGoal:
    """See the module.

    Args:
        config: the settings.
        critic: the network.
        styles: ``[1, 3, H, W]`` in [0, 1], each at its own size.
    """

    def __init__(self, config: MeshStyleConfig, critic: Critic, styles: Sequence[Tensor]) -> None:
        self.config, self.critic, self.styles = config, critic, styles
        self.layers = style_layers(critic)
        self.names = tuple(dict.fromkeys(name for name, _ in (*self.layers.style, *self.layers.content)))
        self.ground = torch.stack([style.mean((0, 2, 3)) for style in styles]).mean(0)
        self._terms: list[tuple[float, Moments]] = []
        self._remembered: list[Tensor] = []
        self._content: dict[Camera, dict[str, Tensor]] = {}
        self._before: MeshCanvas | None = None

    def begin(self, stage: Stage, canvas: MeshCanvas, cameras: Sequence[Camera]) -> None:
        """Look at the styles, and at the mesh as it was, at this size."""
        targets = self._targets(round(stage.size_px / MARGIN * self.config.style_scale))
        original = canvas.texture() if self._before is None else self._before.texture()
        self._before = canvas.with_texture(original.detach())
        self._content, self._remembered = {}, []
        total = sum(weight for _, weight in self.layers.style)
        maker = MOMENT_SCORES[self.config.score]
        terms = [
            (weight / total, maker(name, targets[name], None, self.layers.softmax))
            for name, weight in self.layers.style
        ]
        with torch.no_grad():
            views = self._seen_before(cameras[:MEASURED])
            sums = self._sums(self.critic(views.images, self.names), views.masks, [term for _, term in terms])
        self._terms = [
            (weight / max(abs(term.finish(s).item()), least_value(term)), term)
            for (weight, term), s in zip(terms, sums, strict=True)
        ]

    def background(self, generator: Generator) -> Tensor:
        """Return the mean color of the styles."""
        return self.ground

    def score(self, views: Views, cameras: Sequence[Camera], generator: Generator) -> Tensor:
        """Return how much the views have of the style, and how much of their content they kept."""
        seen = self.critic(views.images, self.names)
        found = self._sums(seen, views.masks, [term for _, term in self._terms])
        mixed = self._mixed(found)
        style = torch.stack([w * term.finish(s) for (w, term), s in zip(self._terms, mixed, strict=True)]).sum()
        strength = self.config.strength
        total = strength * style
        if strength < 1:
            total = total + (1 - strength) * CONTENT_SHARE * self.layers.content_gain * self._content_score(
                seen, views.masks, cameras
            )
        if self.config.smooth > 0:
            weight = smoothness(self.config.smooth, strength, self.layers.content_gain)
            total = total - weight * total_variation()({IMAGE: views.images}).mean()
        return total

    def _sums(self, seen: dict[str, Tensor], masks: Tensor, terms: Sequence[Moments]) -> list[Tensor]:
        found = []
        for term in terms:
            activation = seen[term.name]
            activation = levelled(activation) if term.softmax else activation
            size = (activation.shape[-2], activation.shape[-1])
            parts = [
                moment_sums(activation[i : i + 1], region_weights(masks[i : i + 1].detach(), size))
                for i in range(len(masks))
            ]
            total = torch.stack(parts).sum(0).double()
            found.append(total / total[-1, -1].detach().clamp_min(1e-6))
        return found

    def _mixed(self, found: list[Tensor]) -> list[Tensor]:
        """Return running means of value, with the gradient of the views at hand."""
        memory = self.config.memory
        if not self._remembered:
            self._remembered = [s.detach() for s in found]
        self._remembered = [
            memory * old + (1 - memory) * s.detach() for old, s in zip(self._remembered, found, strict=True)
        ]
        return [s + (old - s.detach()) for old, s in zip(self._remembered, found, strict=True)]

    def _content_score(self, seen: dict[str, Tensor], masks: Tensor, cameras: Sequence[Camera]) -> Tensor:
        total = masks.new_zeros((), dtype=torch.float64)
        whole = sum(weight for _, weight in self.layers.content)
        with torch.no_grad():
            before = [self._features_before(camera) for camera in cameras]
        for name, weight in self.layers.content:
            a = seen[name]
            size = (a.shape[-2], a.shape[-1])
            sums = []
            for i in range(len(cameras)):
                term = Content(name, region_weights(masks[i : i + 1].detach(), size), self.layers.softmax)
                both = {name: a[i : i + 1], BASE + name: before[i][name]}
                sums.append(term.sums(both, {name: Place(0, 0, size)}))
            total = total + weight / whole * Content(name).finish(torch.stack(sums).sum(0).double())
        return total

    def _features_before(self, camera: Camera) -> dict[str, Tensor]:
        """Return what the network sees of the mesh as it was, from a camera; worked out once."""
        if camera not in self._content:
            names = [name for name, _ in self.layers.content]
            self._content[camera] = self.critic(self._seen_before([camera]).images, names)
        return self._content[camera]

    @torch.no_grad()
    def _seen_before(self, cameras: Sequence[Camera]) -> Views:
        assert self._before is not None
        light = LIGHTS[self.config.light](Generator().manual_seed(0))
        return self._before.views(cameras, [light] * len(cameras), [self.ground] * len(cameras))

    def _targets(self, longest: int) -> dict[str, Tensor]:
        """Return the moments of all styles, mixed, by layer."""
        names = [name for name, _ in self.layers.style]
        each = [self._moments(style, longest, names) for style in self.styles]
        return {name: blend([one[name] for one in each], [1.0] * len(each)) for name in names}

    @torch.no_grad()
    def _moments(self, style: Tensor, longest: int, names: Sequence[str]) -> dict[str, Tensor]:
        own = (style.shape[-2], style.shape[-1])
        size = long_side(own, min(longest, max(own)))
        least = self.critic.least_side([name for name in names if name != IMAGE])
        if min(size) < least:
            size = (max(least, size[0]), max(least, size[1]))
        seen = self.critic(resize(style, size).clamp(0, 1).to(self.critic.device), names)
        return {name: mean_moments(moment_sums(levelled(a) if self.layers.softmax else a)) for name, a in seen.items()}
