"""What `mesh style` raises: statistics of a style inside the mesh, over many views, and the content of each view.

The statistics of one view tell little: what shows of a mesh from one side need not have all of a style. So sums
over positions are taken inside the mesh only, added up over the views of a step, and mixed with those of the steps
before; the gradient is that of the views at hand.
Source: Kato, Ushiku, Harada 2018, "Neural 3D mesh renderer", section 5.3 (statistics inside the silhouette);
Mordvintsev et al. 2018, "Differentiable image parameterizations" (running means over views).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reverie.canvas.mesh import MeshCanvas, Views
from reverie.critic.critic import IMAGE, Critic
from reverie.critic.style_layers import StyleLayers, style_layers
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
from reverie.tools.mesh_style.areas import Area

MEASURED = 8  # views at which scores are brought to one measure


@dataclass(eq=False)
class Term:
    """One layer of one area: what is matched, how much it counts, and what views before have shown of it.

    Attributes:
        area: number of the area.
        weight: of the score.
        score: what is matched.
        seen: running mean of the moments.
    """

    area: int
    weight: float
    score: Moments
    seen: Tensor | None = None

    def mixed(self, found: Tensor, memory: float) -> Tensor:
        """Return the running mean of moments, with the gradient of those at hand."""
        before = found.detach() if self.seen is None else self.seen
        self.seen = memory * before + (1 - memory) * found.detach()
        return found + (self.seen - found.detach())


class StyleGoal:
    """See the module.

    Args:
        config: the settings.
        critic: the network.
        areas: parts of the mesh and their styles.
    """

    def __init__(self, config: MeshStyleConfig, critic: Critic, areas: Sequence[Area]) -> None:
        self.config, self.critic, self.areas = config, critic, areas
        self.layers = style_layers(critic)
        self.names = tuple(dict.fromkeys(name for name, _ in (*self.layers.style, *self.layers.content)))
        means = [style.mean((0, 2, 3)) for area in areas for style in area.styles]
        self.ground = torch.stack(means).mean(0) if means else torch.full((3,), 0.5)
        self._terms: list[Term] = []
        self._seen_before: dict[Camera, dict[str, Tensor]] = {}
        self._before: MeshCanvas | None = None
        self._masks: dict[Camera, Tensor] = {}

    def begin(self, stage: Stage, canvas: MeshCanvas, cameras: Sequence[Camera]) -> None:
        """Look at the styles, and at the mesh as it was, at this size."""
        original = canvas.texture() if self._before is None else self._before.texture()
        self._before = canvas.with_texture(original.detach())
        self._areas = canvas.with_texture(torch.stack([area.mask for area in self.areas])[None])
        self._seen_before, self._masks = {}, {}
        self._terms = self._balanced(self._unbalanced(stage), cameras[:MEASURED])

    def background(self, generator: Generator) -> Tensor:
        """Return the mean color of the styles."""
        return self.ground

    def score(self, views: Views, cameras: Sequence[Camera], generator: Generator) -> Tensor:
        """Return how much the views have of the styles, and how much of their content they kept."""
        seen = self.critic(views.images, self.names)
        parts = self._parts(cameras, views.masks)
        total = views.images.new_zeros((), dtype=torch.float64)
        for term, found in zip(self._terms, self._moments(seen, parts, self._terms), strict=True):
            total = total + term.weight * term.score.finish(term.mixed(found, self.config.memory))
        kept = sum((1 - area.strength) * parts[:, i : i + 1] for i, area in enumerate(self.areas) if area.styles)
        if isinstance(kept, Tensor) and kept.any():
            total = total + CONTENT_SHARE * self.layers.content_gain * self._content_score(seen, kept, cameras)
        if self.config.smooth > 0:
            weight = smoothness(self.config.smooth, self.config.strength, self.layers.content_gain)
            total = total - weight * total_variation()({IMAGE: views.images}).mean()
        return total

    def _parts(self, cameras: Sequence[Camera], masks: Tensor) -> Tensor:
        """Return ``[B, areas, H, W]``, how much each pixel belongs to each area."""
        for camera in cameras:
            if camera not in self._masks:
                with torch.no_grad():
                    nothing = [torch.zeros(len(self.areas))]
                    self._masks[camera] = self._areas.views([camera], backgrounds=nothing).images[0]
        return torch.stack([self._masks[camera] for camera in cameras]) * (masks.detach() > 0)

    def _moments(self, seen: dict[str, Tensor], parts: Tensor, terms: Sequence[Term]) -> list[Tensor]:
        """Return the moments of each term, over all views together."""
        found = []
        for term in terms:
            activation = seen[term.score.name]
            activation = levelled(activation) if term.score.softmax else activation
            size = (activation.shape[-2], activation.shape[-1])
            each = [
                moment_sums(activation[i : i + 1], region_weights(parts[i : i + 1, term.area : term.area + 1], size))
                for i in range(len(parts))
            ]
            total = torch.stack(each).sum(0).double()
            found.append(total / total[-1, -1].detach().clamp_min(1e-6))
        return found

    def _unbalanced(self, stage: Stage) -> list[Term]:
        longest = round(stage.size_px / MARGIN * self.config.style_scale)
        maker, terms = MOMENT_SCORES[self.config.score], []
        sizes = [float(area.mask.sum()) for area in self.areas]
        whole = sum(weight for _, weight in self.layers.style)
        for number, area in enumerate(self.areas):
            if not area.styles or not area.strength:
                continue
            targets = style_moments(self.critic, self.layers, area.styles, longest)
            share = area.strength * sizes[number] / sum(sizes)
            terms += [
                Term(number, share * weight / whole, maker(name, targets[name], None, self.layers.softmax))
                for name, weight in self.layers.style
            ]
        return terms

    @torch.no_grad()
    def _balanced(self, terms: list[Term], cameras: Sequence[Camera]) -> list[Term]:
        """Return the terms divided by what they are at the mesh as it was."""
        views = self._original(cameras)
        seen = self.critic(views.images, self.names)
        for term, found in zip(terms, self._moments(seen, self._parts(cameras, views.masks), terms), strict=True):
            term.weight /= max(abs(term.score.finish(found).item()), least_value(term.score))
        return terms

    def _content_score(self, seen: dict[str, Tensor], kept: Tensor, cameras: Sequence[Camera]) -> Tensor:
        total = kept.new_zeros((), dtype=torch.float64)
        whole = sum(weight for _, weight in self.layers.content)
        before = [self._features_before(camera) for camera in cameras]
        for name, weight in self.layers.content:
            a = seen[name]
            size = (a.shape[-2], a.shape[-1])
            sums = []
            for i in range(len(cameras)):
                here = region_weights(kept[i : i + 1], size)
                both = {name: a[i : i + 1], BASE + name: before[i][name]}
                sums.append(Content(name, here, self.layers.softmax).sums(both, {name: Place(0, 0, size)}))
            # of weights below one: the score is that of the area, its strength stays a factor
            total = total + weight / whole * kept.sum() / (kept > 0).sum() * Content(name).finish(
                torch.stack(sums).sum(0).double()
            )
        return total

    @torch.no_grad()
    def _features_before(self, camera: Camera) -> dict[str, Tensor]:
        """Return what the network sees of the mesh as it was, from a camera; worked out once."""
        if camera not in self._seen_before:
            names = [name for name, _ in self.layers.content]
            self._seen_before[camera] = self.critic(self._original([camera]).images, names)
        return self._seen_before[camera]

    @torch.no_grad()
    def _original(self, cameras: Sequence[Camera]) -> Views:
        assert self._before is not None
        light = LIGHTS[self.config.lamp](Generator().manual_seed(0))
        return self._before.views(cameras, [light] * len(cameras), [self.ground] * len(cameras))


@torch.no_grad()
def style_moments(critic: Critic, layers: StyleLayers, styles: Sequence[Tensor], longest: int) -> dict[str, Tensor]:
    """Return the moments of style pictures, mixed evenly, by layer; each at most `longest` px long, never enlarged."""
    names = [name for name, _ in layers.style]
    least = critic.least_side([name for name in names if name != IMAGE])
    each = []
    for style in styles:
        own = (style.shape[-2], style.shape[-1])
        size = long_side(own, min(longest, max(own)))
        size = (max(least, size[0]), max(least, size[1])) if min(size) < least else size
        seen = critic(resize(style, size).clamp(0, 1).to(critic.device), names)
        each.append({name: mean_moments(moment_sums(levelled(a) if layers.softmax else a)) for name, a in seen.items()})
    return {name: blend([one[name] for one in each], [1.0] * len(each)) for name in names}
