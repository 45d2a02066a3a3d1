"""Fit a mesh to guides: vertices until the silhouettes agree, then a texture until the colors do.

Stages go from stiff to soft, so that broad forms are found before details.
Source: Kato, Ushiku, Harada 2018, "Neural 3D mesh renderer", section 5.2; the parametrization is that of
`reverie.canvas.vertices`; pyramids of differences instead of a blurred silhouette.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.canvas.mesh import MeshCanvas, Shape
from reverie.canvas.solid import SolidCanvas
from reverie.jobs.seed import seed_for
from reverie.jobs.work import Report
from reverie.numerics.mesh_mirror import mirror_pairs
from reverie.optimize.ascend import Mover, climb
from reverie.optimize.uniform_adam import UniformAdam
from reverie.render.camera import Camera
from reverie.render.silhouette import silhouette
from reverie.tools.mesh.config import UNGUARDED, MeshFitConfig
from reverie.tools.mesh.guard import Guard
from reverie.tools.mesh.model import Model
from reverie.tools.mesh_fit.find_camera import overlap, pyramid_distance
from reverie.tools.mesh_fit.guides import Guide

STAGES = ((100.0, 0.1), (30.0, 0.05), (10.0, 0.03))  # smoothness and rate; the last is that of the settings
LAST_RATE = 0.02
ONE_GUIDE = (19.0, 0.03)  # one silhouette says little of the shape: no stage is as stiff or as hasty
PER_STEP = 2  # guides looked at
COLOR_STEPS, COLOR_RATE = 120, 0.1
WAY = 8  # shapes kept of the way


class Fit:
    """See the module.

    Args:
        model: the mesh.
        config: the settings.
        guides, cameras: one of each.
        seed: of the order of guides.
        held: ``[V]``, 1 for vertices that stay; none if absent.
    """

    def __init__(
        self, model: Model, config: MeshFitConfig, guides: Sequence[Guide], cameras: Sequence[Camera], seed: int,
        held: Tensor | None = None,
    ) -> None:  # fmt: skip
        self.model, self.config, self.guides, self.cameras = model, config, guides, cameras
        self.generator = Generator().manual_seed(seed_for(seed, "fit"))
        several = len(guides) > 1
        self.shape_steps = 0 if config.fixed_shape else config.steps or (1200 if several else 300)
        self.shape_steps = 0 if config.steps == 0 else self.shape_steps
        stiff = tuple(stage for stage in (STAGES if several else (ONE_GUIDE,)) if stage[0] > config.smoothness)
        self.stages = (*stiff, (config.smoothness, LAST_RATE))
        self.shape = Shape(
            model.surface.vertices, model.surface.edges.ends, self.stages[0][0], mirrored(model, config), held=held
        )
        guards = config.most_folds < UNGUARDED
        self.guard = Guard(model.mesh.vertices, model.mesh.faces, config.most_folds) if guards else None
        self.texture: SolidCanvas | None = None
        self.way: list[Tensor] = []
        self.size = (config.size, config.size)

    @property
    def total(self) -> int:
        """Number of steps."""
        return self.shape_steps + (COLOR_STEPS if self.config.color else 0)

    def steps(self) -> Iterator[Report]:
        """Move step by step."""
        yield from self._shape_steps()
        if self.config.color:
            yield from self._color_steps()

    def vertices(self) -> Tensor:
        """Return ``[V, 3]`` as they are now."""
        with torch.no_grad():
            return self.shape()

    def overlaps(self) -> list[float]:
        """Return intersection over union of each guide with what its camera sees."""
        with torch.no_grad():
            vertices = self.shape()
            return [
                overlap(self._mask(vertices, camera), guide.mask)
                for camera, guide in zip(self.cameras, self.guides, strict=True)
            ]

    def seen(self, camera: Camera) -> Tensor:
        """Return the silhouette ``[1, S, S]`` from a camera."""
        with torch.no_grad():
            return self._mask(self.shape(), camera)

    def preview(self) -> np.ndarray:
        """Return the first guide beside what its camera sees, ``[H, 2 H, 3]``."""
        return (
            torch.cat([self.guides[0].mask, self.seen(self.cameras[0])], 2)
            .expand(3, -1, -1)
            .permute(1, 2, 0)
            .clamp(0, 1)
            .numpy()
        )

    def _shape_steps(self) -> Iterator[Report]:
        each = -(-self.shape_steps // len(self.stages))
        keep = max(1, self.shape_steps // WAY)
        mover = self._shape_mover()
        for done in range(self.shape_steps):
            stage = done // each
            if done and done % each == 0:
                self.shape = self.shape.restaged(self.stages[stage][0])
                mover = self._shape_mover()
            if done % keep == 0:
                self.way.append(self.vertices())
            pace = 1.0 if self.guard is None else self.guard.pace
            score = climb(self._silhouette_score(), [mover], [pace * self.stages[stage][1]], may_rest=True)
            if self.guard is not None and self.guard.took_back(self.shape, done + 1):
                mover = self._shape_mover()
            where = f"shape {stage + 1}/{len(self.stages)}"
            yield Report(done + 1, self.total, "steps", where, {"score": score}, 1.0, self.preview)

    def _shape_mover(self) -> Mover:
        return Mover([self.shape.moved], UniformAdam(self.shape.parameters()))

    def _silhouette_score(self) -> Tensor:
        count = min(PER_STEP, len(self.guides))
        chosen = torch.randperm(len(self.guides), generator=self.generator)[:count].tolist()
        vertices = self.shape()
        seen = torch.stack([self._mask(vertices, self.cameras[i]) for i in chosen])
        return -pyramid_distance(seen, torch.stack([self.guides[i].mask for i in chosen]))

    def _mask(self, vertices: Tensor, camera: Camera) -> Tensor:
        surface = self.model.surface
        return silhouette(vertices, surface.faces, surface.edges, camera.matrix(self.size), self.size, camera.near)

    def _color_steps(self) -> Iterator[Report]:
        canvas = self.colored()
        assert self.texture is not None
        mover = Mover([self.texture.values], torch.optim.Adam(self.texture.parameters(), betas=(0.9, 0.99)))
        for number in range(COLOR_STEPS):
            count = min(PER_STEP, len(self.guides))
            chosen = torch.randperm(len(self.guides), generator=self.generator)[:count].tolist()
            views = canvas.views([self.cameras[i] for i in chosen])
            colors = torch.stack([self.guides[i].colors for i in chosen])
            inside = (views.masks > 0.999) & (torch.stack([self.guides[i].mask for i in chosen]) > 0.9)
            score = -((views.images - colors).square() * inside).sum() / inside.sum().clamp_min(1)
            found = climb(score, [mover], [COLOR_RATE * (1 - 0.9 * number / COLOR_STEPS)], may_rest=True)
            done = self.shape_steps + number + 1
            yield Report(done, self.total, "steps", "color", {"score": found}, 1.0, self.preview)

    def colored(self) -> MeshCanvas:
        """Return the mesh in its new shape, with a texture that can change."""
        from dataclasses import replace

        model, vertices = self.model, self.vertices()
        texels = model.texels(1 << max(7, (2 * self.config.size - 1).bit_length()))
        surface = replace(model.surface, vertices=vertices.double())
        places = texels.values(surface.vertices, surface.faces).float()
        scale = max(1.0, float(places.abs().max()))
        if self.texture is None:
            self.texture = SolidCanvas(places / scale, texels.covered, model.look(texels), texels.size[0] // 2)
        return MeshCanvas(self.texture, surface, model.mips(texels), self.size)


def mirrored(model: Model, config: MeshFitConfig) -> tuple[Tensor, int] | None:
    """Return mirror pairs and axis, if the shape is to stay symmetric."""
    if config.symmetry == "none":
        return None
    axis = "xyz".index(config.symmetry)
    return torch.from_numpy(mirror_pairs(model.mesh.vertices, axis)), axis
